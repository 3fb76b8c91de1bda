#include "data/infer/infer.h"

#include <fmt/format.h>

#include "core/ids.h"
#include "data/infer/parts.h"

namespace millrace::data {
namespace {

Result<std::vector<InputFile>> inspect_all(engine::Engine& session, const std::vector<std::string>& files,
                                           const std::vector<std::string>& names) {
  if (files.empty()) return Error{Code::invalid, "inference needs at least one file"}.hint("give it: --data FILE");
  std::vector<InputFile> out;
  for (size_t i = 0; i < files.size(); ++i) {
    MILLRACE_TRY(auto file, inspect_file(session, files[i], i < names.size() ? names[i] : files[i]));
    for (const auto& column : file.columns)
      if (column.name.starts_with("millrace_"))
        return Error{Code::invalid,
                     fmt::format("the column's name '{}' is taken: names with 'millrace_' are Millrace's "
                                 "own",
                                 column.name)}
            .at({.file = file.label})
            .hint("rename the column");
    out.push_back(std::move(file));
  }
  return out;
}

Result<Profile> profile_of(const Plan& plan, const Object& object) {
  MILLRACE_TRY(auto edges, choose_edges(plan, object, Json()));
  const auto profiler = make_profiler(plan, object, std::move(edges));
  MILLRACE_TRY(const auto answer,
               plan.query(fmt::format("SELECT {} {}", fmt::join(profiler->aggregates(), ", "), plan.relation())));
  BatchScan rows;
  profiler->add_to(rows);
  MILLRACE_DO(plan.scan(rows));
  return profiler->finish(answer, 0);
}

Json to_property(const Property& property, const infer::Proposals& proposals) {
  Json out{{"name", property.name}};
  if (property.type != LogicalType::any) out["logicalType"] = name_of(property.type);
  if (!property.physical_type.empty()) out["physicalType"] = property.physical_type;
  if (!proposals.options.empty()) out["logicalTypeOptions"] = proposals.options;
  if (!proposals.quality.empty()) out["quality"] = proposals.quality;
  out.update(proposals.keys);
  out["customProperties"] = infer::belief_properties(proposals.beliefs);
  return out;
}

Json to_document(const InferOptions& options, const Object& object, std::map<std::string, infer::Proposals>& columns,
                 const infer::Proposals& whole) {
  Json properties = Json::array();
  for (const auto& property : object.properties) properties.push_back(to_property(property, columns[property.name]));
  Json schema{{"name", options.name}, {"logicalType", "object"}, {"physicalType", "table"}, {"properties", properties}};
  if (!whole.quality.empty()) schema["quality"] = whole.quality;
  return {{"apiVersion", "v3.1.0"},         {"kind", "DataContract"}, {"id", options.name},
          {"name", options.name},           {"version", "0.1.0"},     {"status", "draft"},
          {"schema", Json::array({schema})}};
}

}  // namespace

Result<Json> infer_contract(engine::Engine& session, const std::vector<std::string>& files,
                            const InferOptions& options) {
  if (!is_name(options.name))
    return Error{Code::invalid, fmt::format("'{}' is not a contract's name", options.name)}.hint(
        "use letters, digits, '_', '.' and '-'");
  MILLRACE_TRY(const auto inputs, inspect_all(session, files, options.file_names));
  MILLRACE_TRY(auto typing, infer::infer_types(session, inputs));
  const Object object{.name = options.name, .properties = std::move(typing.properties)};
  const std::vector<Rule> no_rules;
  Plan plan(session, session, object, no_rules);
  MILLRACE_TRY(const auto problems, plan.match(files, options.file_names));
  if (!problems.empty()) return Error{Code::invalid, problems[0].message}.hint("infer from files of one schema");
  MILLRACE_DO(plan.prepare({}));
  MILLRACE_TRY(const auto profile, profile_of(plan, object));
  if (profile.rows == 0)
    return Error{Code::invalid, "there is no row to infer a contract from"}
        .at({.file = inputs[0].label})
        .hint("give files that hold rows as they usually come");
  const infer::Batch batch{
      .session = session, .plan = plan, .object = object, .profile = profile, .files = files.size()};
  std::map<std::string, infer::Proposals> columns;
  infer::Proposals whole;
  for (const auto& [column, belief] : typing.beliefs)
    if (object.find(column)->type != LogicalType::any) columns[column].beliefs["type"] = belief;
  MILLRACE_DO(infer::infer_keys(batch, columns));
  MILLRACE_DO(infer::infer_values(batch, columns));
  MILLRACE_DO(infer::infer_texts(batch, columns));
  MILLRACE_DO(infer::infer_history(batch, whole));
  MILLRACE_DO(infer::infer_references(batch, options, whole));
  return to_document(options, object, columns, whole);
}

}  // namespace millrace::data
