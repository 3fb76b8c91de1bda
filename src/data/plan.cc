#include "data/plan.h"

#include <fmt/format.h>

#include "core/yaml.h"
#include "data/expression.h"
#include "data/typing.h"

namespace millrace::data {

std::vector<std::pair<const Rule*, std::string>> conditions_of(const std::vector<Rule>& rules) {
  std::vector<std::pair<const Rule*, std::string>> out;
  for (const auto& rule : rules) {
    if (!rule.skipped.empty()) continue;
    for (const auto& parameter : find_check_kind(rule.kind)->parameters) {
      const auto name = std::string(parameter.name);
      if (parameter.form == Parameter::Form::condition && rule.parameters.contains(name))
        out.emplace_back(&rule, string_or(rule.parameters, name, ""));
    }
  }
  return out;
}

Plan::Plan(engine::Engine& session, engine::Engine& parser, const Object& object, const std::vector<Rule>& rules)
    : session_(session), parser_(parser), object_(object), rules_(rules) {}

Result<std::vector<SchemaProblem>> Plan::match(const std::vector<std::string>& files,
                                               const std::vector<std::string>& names) {
  if (files.empty()) return Error{Code::invalid, "a batch needs at least one file"};
  if (files.size() > limits::batch_files)
    return Error{Code::too_large, fmt::format("a batch of {} files is more than {}", files.size(), limits::batch_files)}
        .hint("write fewer, larger files");
  std::vector<SchemaProblem> problems;
  for (size_t i = 0; i < files.size(); ++i) {
    name_columns(files[i]);
    MILLRACE_TRY(auto file, inspect_file(session_, files[i], i < names.size() ? names[i] : files[i], inputs_));
    file.masked = std::any_of(object_.properties.begin(), object_.properties.end(),
                              [](const Property& property) { return property.is_masked(); });
    files_.push_back(std::move(file));
    MILLRACE_TRY(auto found, match_file(files_.back()));
    for (auto& problem : found) problems.push_back(std::move(problem));
  }
  return problems;
}

// A file without a header holds the properties in their order.
void Plan::name_columns(const std::string& path) {
  const auto* known = inputs_ == nullptr ? nullptr : inputs_->find(path);
  if (known == nullptr || !known->reading.no_header) return;
  auto place = *known;
  place.reading.names.clear();
  for (const auto& property : object_.properties) place.reading.names.push_back(property.source_name);
  inputs_->tell(std::move(place));
}

Result<std::vector<SchemaProblem>> Plan::match_file(const InputFile& file) {
  std::vector<SchemaProblem> problems;
  std::vector<std::string> expected;
  for (size_t i = 0; i < object_.properties.size(); ++i) {
    const auto& property = object_.properties[i];
    expected.push_back(property.source_name);
    const InputColumn* column = file.find(property.source_name);
    if (column == nullptr) {
      problems.push_back({"schema.columns", property.name,
                          fmt::format("the column '{}' is missing in {}", property.source_name, file.label)});
      continue;
    }
    MILLRACE_TRY(const auto typed, to_typed(dialect(), property, column->type, "c"));
    if (!typed)
      problems.push_back({"schema.type", property.name,
                          fmt::format("the column '{}' has the type {}, which holds no {}", property.source_name,
                                      column->type, name_of(property.type))});
    else if (typed->may_fail)
      wrong_.emplace(property.name, i);
  }
  for (const auto& column : file.columns) {
    if (std::find(expected.begin(), expected.end(), column.name) != expected.end()) continue;
    const auto near = did_you_mean(column.name, expected);
    problems.push_back({"schema.columns", column.name,
                        fmt::format("the column '{}' is not in the contract{}", column.name,
                                    near ? fmt::format("; is it '{}'?", *near) : "")});
  }
  return problems;
}

Result<std::string> Plan::select_batch() const {
  std::string out;
  for (size_t number = 0; number < files_.size(); ++number) {
    const auto& file = files_[number];
    std::string list =
        fmt::format("CAST({} AS INTEGER) AS millrace_file, CAST(millrace_row AS BIGINT) AS millrace_row", number);
    for (const auto& property : object_.properties) {
      const auto source = fmt::format("c{}", file.index(property.source_name));
      MILLRACE_TRY(const auto typed, to_typed(dialect(), property, file.find(property.source_name)->type, source));
      list += fmt::format(", {} AS {}", typed->sql, dialect().quote_name(property.name));
      if (const auto wrong = wrong_.find(property.name); wrong != wrong_.end())
        list += fmt::format(", {} AS millrace_raw_{}", source, wrong->second);
    }
    out += fmt::format("{}SELECT {} FROM ({})", number == 0 ? "" : " UNION ALL ", list, select_from(file, true));
  }
  return out;
}

Result<void> Plan::prepare(const std::map<std::string, std::vector<std::string>>& references) {
  MILLRACE_DO(read_conditions());
  for (const auto& rule : rules_) {
    if (!rule.skipped.empty()) continue;
    if (rule.kind == "foreign_key") MILLRACE_DO(add_reference(rule, references));
    if (rule.kind == "set" && rule.parameters["values"].size() > set_inline_limit) MILLRACE_DO(add_set(rule));
  }
  MILLRACE_TRY(const auto select, select_batch());
  const bool parquet = std::all_of(files_.begin(), files_.end(), [](const InputFile& file) { return file.parquet; });
  MILLRACE_TRY(const auto made, execute(parquet ? dialect().make_view("millrace_batch", select)
                                                : dialect().make_table("millrace_batch", select)));
  (void)made;
  for (const auto& [rule, text] : conditions_of(rules_)) MILLRACE_DO(check_condition(*rule, text));
  if (std::any_of(rules_.begin(), rules_.end(), [](const Rule& rule) { return rule.kind == "sql"; }))
    MILLRACE_DO(name_batch());
  return {};
}

// Queries of the contract know the batch by its object's name and columns.
Result<void> Plan::name_batch() {
  if (object_.name.starts_with("millrace_"))
    return Error{Code::invalid,
                 fmt::format("the object '{}' has a name that only Millrace's own relations have", object_.name)}
        .at(object_.where)
        .hint("rules of type sql see the batch under the object's name: let it begin otherwise");
  std::string list;
  for (const auto& property : object_.properties)
    list += fmt::format("{}{}", list.empty() ? "" : ", ", dialect().quote_name(property.name));
  MILLRACE_TRY(const auto made,
               execute(dialect().make_view(object_.name, fmt::format("SELECT {} FROM millrace_batch", list))));
  (void)made;
  return {};
}

Result<void> Plan::read_conditions() {
  for (const auto& [rule, text] : conditions_of(rules_)) {
    MILLRACE_TRY(const auto expression, check_expression(parser_, text, object_, rule->where));
    if (&parser_ == &session_) continue;
    auto term = read_term(expression.tree, object_, rule->where);
    if (!term)
      return term.error().while_doing(fmt::format("compiling the rule {} for {}", rule->id, dialect().engine()));
    terms_.emplace(text, std::move(*term));
  }
  return {};
}

// The engine knows the types: a mismatch is an error of the contract, not of the batch.
Result<void> Plan::check_condition(const Rule& rule, const std::string& text) const {
  const auto type = session_.query(fmt::format("DESCRIBE SELECT {} FROM millrace_batch", condition(text)));
  const auto refuse = [&](std::string why) {
    return Error{Code::invalid, std::move(why)}
        .at(rule.where)
        .hint("write one condition over the columns of a row, e.g. air_time IS NULL OR air_time > 0");
  };
  if (!type) {
    std::string why = type.error().message().substr(0, type.error().message().find('\n'));
    if (why.ends_with('.')) why.pop_back();
    return refuse("the expression does not fit the columns: " + why);
  }
  if (dialect().source_type(type->text(0, 1)) != engine::SourceType::boolean)
    return refuse(fmt::format("the expression is {}, not a condition", type->text(0, 1)));
  return {};
}

Result<std::string> Plan::make_reference(const Rule& rule,
                                         const std::map<std::string, std::vector<std::string>>& references) {
  const Json& reference = rule.parameters["reference"];
  const auto dataset = string_or(reference, "dataset", "");
  const auto files = references.find(dataset);
  if (files == references.end() || files->second.empty())
    return Error{Code::invalid, fmt::format("the rule {} looks keys up in '{}', which was not given", rule.id, dataset)}
        .at(rule.where)
        .hint(fmt::format("name its file: --ref {}=FILE", dataset));
  std::string select;
  std::string table = fmt::format("millrace_reference_{}", tables_++);
  for (const auto& path : files->second) {
    MILLRACE_TRY(const auto file, inspect_file(session_, path, path, inputs_));
    std::string list, where;
    for (size_t i = 0; i < rule.columns.size(); ++i) {
      const auto name = reference["columns"][i].get<std::string>();
      const auto* column = file.find(name);
      if (column == nullptr) {
        std::vector<std::string> known;
        for (const auto& c : file.columns) known.push_back(c.name);
        const auto near = did_you_mean(name, known);
        return Error{Code::invalid,
                     fmt::format("the reference '{}' has no column '{}' ({})", dataset, name, file.label)}
            .at(rule.where)
            .hint(near ? fmt::format("did you mean '{}'?", *near) : fmt::format("it has {}", fmt::join(known, ", ")));
      }
      MILLRACE_TRY(const auto typed,
                   to_typed(dialect(), property(rule.columns[i]), column->type, fmt::format("c{}", file.index(name))));
      if (!typed)
        return Error{Code::invalid, fmt::format("'{}.{}' has the type {}, '{}' is {}", dataset, name, column->type,
                                                rule.columns[i], name_of(property(rule.columns[i]).type))}
            .at(rule.where);
      list += fmt::format("{}{} AS millrace_k{}", i == 0 ? "" : ", ", typed->sql, i);
      where += fmt::format("{}millrace_k{} IS NOT NULL", i == 0 ? "" : " AND ", i);
    }
    select += fmt::format("{}SELECT * FROM (SELECT {} FROM ({})) WHERE {}", select.empty() ? "" : " UNION ", list,
                          select_from(file, false), where);
    const auto made = session_.execute(
        dialect().make_table(table, fmt::format("SELECT DISTINCT *, TRUE AS millrace_found FROM ({})", select)));
    if (!made) return explain_read(made.error(), {file});
  }
  return table;
}

Result<void> Plan::add_reference(const Rule& rule, const std::map<std::string, std::vector<std::string>>& references) {
  MILLRACE_TRY(const auto table, make_reference(rule, references));
  std::string condition;
  for (size_t i = 0; i < rule.columns.size(); ++i)
    condition += fmt::format("{}{} = {}.millrace_k{}", i == 0 ? "" : " AND ", value(rule.columns[i]), table, i);
  joins_[rule.id] = {table, condition};
  return {};
}

Result<void> Plan::add_set(const Rule& rule) {
  const std::string table = fmt::format("millrace_reference_{}", tables_++);
  const auto& column = rule.columns[0];
  std::vector<std::string> values;
  for (const auto& item : rule.parameters["values"]) values.push_back(literal(*this, column, item));
  MILLRACE_TRY(const auto made, session_.execute(dialect().make_table(
                                    table, fmt::format("SELECT DISTINCT millrace_k0, TRUE AS millrace_found FROM ({})",
                                                       dialect().rows_of(values, "millrace_k0")))));
  (void)made;
  joins_[rule.id] = {table, fmt::format("{} = {}.millrace_k0", value(column), table)};
  return {};
}

std::string Plan::relation() const {
  std::string out = "FROM millrace_batch";
  for (const auto& [rule, join] : joins_) out += fmt::format(" LEFT JOIN {} ON {}", join.table, join.condition);
  return out;
}

std::string Plan::value(const std::string& column) const { return "millrace_batch." + dialect().quote_name(column); }

bool Plan::may_be_wrong(const std::string& column) const { return wrong_.contains(column); }

std::string Plan::raw(const std::string& column) const {
  const auto found = wrong_.find(column);
  return found == wrong_.end() ? value(column) : fmt::format("millrace_batch.millrace_raw_{}", found->second);
}

std::string Plan::wrong_type(const std::string& column) const {
  return may_be_wrong(column) ? fmt::format("({} IS NOT NULL AND {} IS NULL)", raw(column), value(column)) : "FALSE";
}

const Property& Plan::property(const std::string& column) const { return *object_.find(column); }

std::string Plan::found(const Rule& rule) const { return joins_.at(rule.id).table + ".millrace_found"; }

// The line end closes a comment at the end of the text. prepare() has parsed exactly this form (data/expression.h).
std::string Plan::condition(const std::string& text) const {
  const auto term = terms_.find(text);
  if (term == terms_.end()) return "(" + text + "\n)";
  return spell(term->second, dialect(), [this](const std::string& column) { return value(column); });
}

Result<engine::Table> Plan::query(const std::string& sql) const {
  auto table = session_.query(sql);
  return table ? std::move(table) : Result<engine::Table>(explain_read(std::move(table).error(), files_));
}

Result<void> Plan::scan(const BatchScan& rows) const {
  if (rows.empty()) return {};
  const auto take = [&](std::span<const engine::ScanColumn> columns) -> Result<void> {
    rows.take(columns);
    return {};
  };
  auto done = scanner()->scan(rows.select(), take);
  return done ? done : Result<void>(explain_read(std::move(done).error(), files_));
}

Result<int64_t> Plan::execute(const std::string& sql) const {
  auto done = session_.execute(sql);
  return done ? std::move(done) : Result<int64_t>(explain_read(std::move(done).error(), files_));
}

}  // namespace millrace::data
