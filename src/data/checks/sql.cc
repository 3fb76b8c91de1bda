#include <fmt/format.h>

#include "data/checks/check_kind.h"

namespace millrace::data {
namespace {

std::string replaced(std::string text, std::string_view what, const std::string& by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

// Inside a SELECT of ours nothing but one SELECT is read; the session is locked before it comes here.
std::vector<std::string> queries(const Rule& rule, const ScanColumns& scan) {
  auto query = string_or(rule.parameters, "query", "");
  while (!query.empty() && (query.back() == ';' || query.back() == ' ' || query.back() == '\n')) query.pop_back();
  query = replaced(std::move(query), "{object}", scan.dialect().quote_name(string_or(rule.parameters, "object", "")));
  if (!rule.columns.empty())
    query = replaced(std::move(query), "{property}", scan.dialect().quote_name(rule.columns[0]));
  return {fmt::format("SELECT * FROM ({}\n) AS millrace_answer LIMIT 2", query)};
}

Outcome conclude(const Rule&, const std::vector<engine::Table>& tables, const BatchFacts&) {
  const auto& answer = tables[0];
  if (answer.rows() != 1 || answer.columns() != 1)
    return {.value = std::numeric_limits<double>::quiet_NaN(),
            .note = fmt::format("the query answers {} rows of {} columns; one number or boolean is expected",
                                answer.rows() == 2 ? "several" : std::to_string(answer.rows()), answer.columns())};
  if (answer.is_null(0, 0)) return {.note = "the query answers NULL: there was nothing to measure"};
  const auto& type = answer.type(0);
  if (type != "boolean" && type != "integer" && type != "number")
    return {.value = std::numeric_limits<double>::quiet_NaN(),
            .note = "the query answers " + type + ", not a number or boolean"};
  return {.value = type == "boolean" ? static_cast<double>(answer.integer(0, 0)) : answer.real(0, 0)};
}

}  // namespace

CheckKind sql() {
  return {
      .name = "sql",
      .summary =
          "a rule of the standard's `type: sql`: one SELECT over the batch, under the object's name, that answers a "
          "number or a boolean (1 or 0); read-only, it reaches nothing else",
      .runs_on = {"duckdb"},
      .unit = "value",
      .queries = queries,
      .conclude = conclude};
}

}  // namespace millrace::data
