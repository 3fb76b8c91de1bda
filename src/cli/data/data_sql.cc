// Time travel: SQL over versions.
#include <fmt/format.h>

#include "cli/data/data_tables.h"
#include "cli/host.h"

namespace millrace::cli {
namespace {

constexpr int64_t kShown = 100;  // rows for people

Json rows_of(const engine::Table& table, size_t most) {
  Json rows = Json::array();
  for (size_t i = 0; i < std::min(most, table.rows()); ++i) {
    Json row = Json::array();
    for (size_t j = 0; j < table.columns(); ++j) row.push_back(table.json(i, j));
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<int> sql(Invocation& in) {
  MILLRACE_TRY(const auto query, versions::find_version_names(in.args.get("SQL")));
  MILLRACE_TRY(const auto most, in.args.integer("--limit", kShown));
  if (most < 1) return Error{Code::invalid, "--limit must be at least 1"};
  MILLRACE_TRY(const auto session, TableSession::open(in));
  MILLRACE_TRY(auto* engine, session->start(query.names));
  MILLRACE_TRY(const auto answer, engine->query(query.sql));
  const auto shown = static_cast<size_t>(most);
  std::vector<std::vector<std::string>> lines(1);
  Json columns = Json::array();
  for (size_t j = 0; j < answer.columns(); ++j) {
    lines[0].push_back(answer.name(j));
    columns.push_back({{"name", answer.name(j)}, {"type", answer.type(j)}});
  }
  for (size_t i = 0; i < std::min(shown, answer.rows()); ++i) {
    auto& line = lines.emplace_back();
    for (size_t j = 0; j < answer.columns(); ++j) line.push_back(answer.is_null(i, j) ? "" : answer.text(i, j));
  }
  const bool cut = answer.rows() > shown;
  in.show(Json{{"columns", columns}, {"rows", rows_of(answer, shown)}, {"row_count", answer.rows()}, {"cut", cut}},
          table(lines) + (cut ? fmt::format("... {} rows in all; --limit shows more\n",
                                            with_commas(static_cast<int64_t>(answer.rows())))
                              : ""));
  return 0;
}

}  // namespace

std::vector<Command> data_sql_commands() {
  return {{.name = "data sql",
           .summary = "a query over versions: SELECT count(*) FROM flights@v1; reads nothing else",
           .positionals = {{"SQL",
                            "one SELECT; NAME@VERSION is a tracked path, a file's name without its ending, or a "
                            "dataset, at a tag, branch, snapshot or dataset version"}},
           .options = {{.name = "--limit", .value = "N", .summary = "show at most so many rows (default: 100)"}},
           .run = sql}};
}

}  // namespace millrace::cli
