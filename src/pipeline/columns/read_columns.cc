#include "pipeline/columns/read_columns.h"

#include <fmt/format.h>

#include "core/json.h"
#include "pipeline/columns/query_tree.h"

namespace millrace::pipeline {

Json QueryColumns::to_json() const {
  std::map<ColumnSource, std::vector<std::string>> targets;
  Json names = Json::array(), from = Json::object();
  for (const auto& column : columns) {
    names.push_back(column.name);
    for (const auto& source : column.sources) targets[source].push_back(column.name);
  }
  for (const auto& source : rows) targets[source].emplace_back("*");
  for (const auto& [source, to] : targets)
    from[source.table].push_back({{"column", source.column}, {"to", to}, {"how", source.how}});
  return {{"columns", names}, {"from", from}, {"unresolved", unresolved}};
}

Result<QueryColumns> read_columns(engine::Engine& session, const std::string& sql,
                                  const std::map<std::string, std::vector<std::string>>& tables) {
  MILLRACE_TRY(const auto answer,
               session.query(fmt::format("SELECT CAST(json_serialize_sql({}) AS VARCHAR)", engine::quote_text(sql))));
  const auto parsed = nlohmann::json::parse(answer.rows() == 1 ? answer.text(0, 0) : "", nullptr, false);
  if (parsed.is_discarded() || !parsed.is_object())
    return Error{Code::internal, "the parser's answer is no JSON object"};
  const auto* statements = find(parsed, "statements");
  if (statements == nullptr || statements->size() != 1)
    return Error{Code::invalid, string_or(parsed, "error_message", "the SQL is not one SELECT")}.hint(
        "columns are followed through one SELECT");
  QueryReader reader(tables);
  auto relation = reader.read(child_of((*statements)[0], "node"), nullptr);
  QueryColumns out{.columns = {}, .rows = std::move(relation.rows), .unresolved = std::move(reader.unresolved)};
  // An expression without an alias is called what the engine calls it.
  std::vector<std::string> names;
  if (const auto described = session.query("DESCRIBE " + sql); described)
    for (size_t row = 0; row < described->rows(); ++row) names.push_back(described->text(row, 0));
  const bool same = names.size() == relation.columns.size();
  if (!names.empty() && !same)
    out.unresolved.push_back(
        fmt::format("the query has {} columns, {} were followed", names.size(), relation.columns.size()));
  for (size_t i = 0; i < relation.columns.size(); ++i) {
    auto name = same ? names[i] : relation.columns[i].name;
    out.columns.push_back(
        {name.empty() ? fmt::format("column{}", i) : std::move(name), std::move(relation.columns[i].sources)});
  }
  return out;
}

}  // namespace millrace::pipeline
