#include <map>

#include <fmt/format.h>

#include "core/files.h"
#include "engine/engine.h"
#include "pipeline/bounds.h"
#include "pipeline/columns/read_columns.h"
#include "pipeline/local/execute.h"
#include "pipeline/local/sql_text.h"

namespace millrace::pipeline {
namespace {

constexpr Micros kSecond = 1'000'000;

struct View {
  std::vector<std::string> files;
  std::vector<std::string> aside;  // quarantined rows, their values as they came

  std::vector<std::string> all() const {
    auto out = files;
    out.insert(out.end(), aside.begin(), aside.end());
    return out;
  }
};
// By name: a dataset by its own, an out of an upstream stage by its file's name without the ending.
using Views = std::map<std::string, View>;

std::string stem_of(const std::string& path) {
  const auto slash = path.rfind('/');
  const auto name = slash == std::string::npos ? path : path.substr(slash + 1);
  return name.substr(0, name.rfind('.'));
}

Result<Views> views_of(const store::Blobs& blobs, const Json& components) {
  Views out;
  const auto add = [&](std::vector<std::string>& files, const std::string& digest) -> Result<void> {
    MILLRACE_DO(blobs.verify(digest));
    MILLRACE_TRY(auto path, blobs.path_of(digest));
    files.push_back(std::move(path));
    return {};
  };
  for (const auto& version : components.at("datasets")) {
    auto& view = out[string_or(version, "name", "")];
    MILLRACE_DO(add(view.files, string_or(version, "file", "")));
    if (const auto aside = string_or(version, "quarantine", ""); !aside.empty()) MILLRACE_DO(add(view.aside, aside));
  }
  for (const auto& [stage, outs] : components.at("stages").items()) {
    for (const auto& [path, digest] : outs.items()) {
      if (!path.ends_with(".parquet")) continue;
      if (out.contains(stem_of(path)))
        return Error{Code::invalid, fmt::format("two deps of the SQL are both called '{}'", stem_of(path))}.hint(
            "rename an out");
      MILLRACE_DO(add(out[stem_of(path)].files, digest.get<std::string>()));
    }
  }
  return out;
}

std::string read_all(const std::vector<std::string>& files) {
  std::string list;
  for (const auto& file : files) list += (list.empty() ? "" : ", ") + engine::quote_text(file);
  return fmt::format("read_parquet([{}], union_by_name = true)", list);
}

Result<void> create_view(engine::Engine& session, const std::string& name, const View& view) {
  std::string select = "SELECT * FROM " + read_all(view.files);
  if (!view.aside.empty()) {
    MILLRACE_TRY(const auto columns, session.query("DESCRIBE " + select));
    std::string cast;
    for (size_t row = 0; row < columns.rows(); ++row) {
      const auto column = engine::quote_name(columns.text(row, 0));
      cast += fmt::format("{}TRY_CAST({} AS {}) AS {}", row == 0 ? "" : ", ", column, columns.text(row, 1), column);
    }
    select += fmt::format(" UNION ALL BY NAME SELECT {} FROM {}", cast, read_all(view.aside));
  }
  MILLRACE_TRY(const auto made, session.execute(fmt::format("CREATE VIEW {} AS {}", engine::quote_name(name), select)));
  (void)made;
  return {};
}

// The engine's own parser says whether this is one SELECT: what is no query cannot stand inside COPY, nor end it early.
Result<void> check_is_one_query(engine::Engine& session, const std::string& sql, const std::string& file) {
  MILLRACE_TRY(const auto answer,
               session.query(fmt::format("SELECT CAST(json_serialize_sql({}) AS VARCHAR)", engine::quote_text(sql))));
  if (answer.rows() != 1) return Error{Code::internal, "the parser gave no answer"};
  auto parsed = nlohmann::json::parse(answer.text(0, 0), nullptr, false);
  if (parsed.is_discarded() || !parsed.is_object())
    return Error{Code::internal, "the parser's answer is no JSON object"};
  const auto* error = find(parsed, "error");
  if (error != nullptr && error->is_boolean() && error->get<bool>())
    return Error{Code::invalid, string_or(parsed, "error_message", "the SQL cannot be read")}
        .at({.file = file})
        .hint("a stage's SQL is one SELECT");
  const auto* statements = find(parsed, "statements");
  if (statements == nullptr || statements->size() != 1)
    return Error{Code::invalid, "a stage's SQL is exactly one SELECT"}.at({.file = file});
  return {};
}

// Lineage beside the result: a query whose columns cannot be followed runs all the same, and the log says why.
Json columns_of(engine::Engine& session, const std::string& sql, const Views& views, const Execution& execution) {
  std::map<std::string, std::vector<std::string>> tables;
  for (const auto& [name, view] : views) {
    const auto described = session.query("DESCRIBE " + engine::quote_name(name));
    if (!described) continue;
    for (size_t row = 0; row < described->rows(); ++row) tables[name].push_back(described->text(row, 0));
  }
  const auto read = read_columns(session, sql, tables);
  if (!read) {
    execution.running.log(fmt::format("[{}] no column lineage: {}", execution.stage.name, read.error().message()));
    return {};
  }
  for (const auto& what : read->unresolved)
    execution.running.log(fmt::format("[{}] column lineage: {}", execution.stage.name, what));
  return read->to_json();
}

}  // namespace

Result<Made> execute_sql(const Execution& execution, Scratch& scratch) {
  const auto& components = execution.components;
  const std::string file = execution.stage.sql;
  MILLRACE_TRY(const auto text, execution.parts.blobs.get(string_or(components, "sql", ""), bounds::sql_bytes));
  MILLRACE_TRY(const auto sql, bind_params(text, components.at("params"), file));
  MILLRACE_TRY(const auto views, views_of(execution.parts.blobs, components));
  const std::string out = scratch.files() + "/" + components.at("outs").at(0).get<std::string>();
  MILLRACE_DO(make_folders(parent_of(out)));

  engine::EngineOptions options{.threads = static_cast<int>(components.at("environment").at("threads").get<int64_t>()),
                                .temp_folder = scratch.temp(),
                                .writable = {out},
                                .timeout = execution.stage.timeout_seconds * kSecond};
  for (const auto& [name, view] : views)
    for (auto& file : view.all()) options.readable.push_back(std::move(file));
  MILLRACE_TRY(const auto session, execution.parts.engines.open(options));
  for (const auto& [name, view] : views) MILLRACE_DO(create_view(*session, name, view));
  MILLRACE_DO(session->lock_down());
  MILLRACE_DO(check_is_one_query(*session, sql, file));
  auto rows =
      session->execute(fmt::format("COPY (\n{}\n) TO {} ({})", sql, engine::quote_text(out), engine::copy_options()));
  if (!rows) {
    std::vector<std::string> names;
    for (const auto& [name, view] : views) names.push_back(name);
    auto error = std::move(rows).error().at({.file = file});
    if (error.code() == Code::invalid) error.hint(fmt::format("this stage can read: {}", fmt::join(names, ", ")));
    return error;
  }
  execution.running.log(fmt::format("[{}] {} rows", execution.stage.name, *rows));
  MILLRACE_TRY(auto made, scratch.collect({components.at("outs").at(0).get<std::string>()}));
  made.columns = columns_of(*session, sql, views, execution);
  return made;
}

}  // namespace millrace::pipeline
