#include "engine/duckdb/session.h"

#include <fmt/format.h>

#include <filesystem>

#include "core/files.h"
#include "engine/duckdb/guard.h"

namespace millrace::engine::duckdb {
namespace {

std::string list_of(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + quote_text(text);
  return out + "]";
}

}  // namespace

Session::Session(std::shared_ptr<const adbc::Driver> driver, const EngineOptions& options, std::string spill_folder)
    : connection_(std::move(driver)), options_(options), spill_folder_(std::move(spill_folder)) {
  for (auto* paths : {&options_.readable, &options_.writable})
    for (std::string& path : *paths) path = real_path(path);
}

Result<std::unique_ptr<Session>> Session::open(std::shared_ptr<const adbc::Driver> driver, const EngineOptions& options,
                                               std::string spill_folder) {
  for (const auto* paths : {&options.readable, &options.writable})
    for (const std::string& path : *paths)
      if (!path.starts_with('/'))
        return Error{Code::invalid, fmt::format("the engine needs absolute paths, not {}", path)}.at(
            Where{.file = path});
  std::unique_ptr<Session> session(new Session(std::move(driver), options, std::move(spill_folder)));
  if (auto started = session->start(); !started) return std::move(started).error().while_doing("starting DuckDB");
  return session;
}

Session::~Session() {
  connection_.close();
  // Best effort: a session that ends has nothing to say.
  if (!spill_folder_.empty()) (void)remove_tree(spill_folder_);
}

Result<void> Session::start() {
  MILLRACE_DO(connection_.open({
      {"path", ":memory:"},
      {"threads", fmt::format("{}", std::max(options_.threads, 1))},
      {"memory_limit", fmt::format("{}B", std::max<int64_t>(options_.memory_bytes, 1))},
      {"temp_directory", spill_folder_},
      {"autoinstall_known_extensions", "false"},
      {"autoload_known_extensions", "false"},
      {"allow_community_extensions", "false"},
      {"allow_persistent_secrets", "false"},
  }));
  MILLRACE_DO(execute("SET TimeZone = 'UTC'"));
  MILLRACE_DO(execute("SET arrow_large_buffer_size = true"));
  MILLRACE_TRY(const Table version, query("SELECT version()"));
  description_ = "duckdb " + version.text(0, 0);
  return {};
}

Result<Table> Session::query(std::string_view sql, const std::vector<Json>& parameters) {
  MILLRACE_TRY(const std::string text, checked(sql));
  return connection_.query(text, parameters, options_.timeout);
}

Result<int64_t> Session::execute(std::string_view sql) {
  MILLRACE_TRY(const std::string text, checked(sql));
  return connection_.execute(text, options_.timeout);
}

Result<void> Session::scan(std::string_view sql, const TakeRows& take) {
  MILLRACE_TRY(const std::string text, checked(sql));
  return connection_.scan(text, take, options_.timeout);
}

Result<std::string> Session::checked(std::string_view sql) {
  MILLRACE_TRY(auto text, adbc::checked_text(sql));
  if (!locked_) return text;
  return allowed(sql, options_.writable, [this](std::string_view part) { return count_selects(part); });
}

Result<int64_t> Session::count_selects(std::string_view sql) {
  static const std::string kParse =
      "SELECT j ->> 'error_type', j ->> 'error_message', json_array_length(j, 'statements') "
      "FROM (SELECT json_serialize_sql(CAST(? AS VARCHAR))::JSON AS j)";
  MILLRACE_TRY(const Table answer, connection_.query(kParse, {Json(std::string(sql))}, options_.timeout));
  if (answer.is_null(0, 0)) return answer.integer(0, 2);
  if (answer.text(0, 0) == "not implemented") return -1;
  return Error{Code::invalid, answer.text(0, 1)};
}

Result<void> Session::allow_files() {
  std::vector<std::string> files, folders;
  for (const auto* paths : {&options_.readable, &options_.writable})
    for (const std::string& path : *paths) {
      std::error_code missing;
      (std::filesystem::is_directory(path, missing) ? folders : files).push_back(path);
    }
  MILLRACE_DO(execute("SET allowed_directories = " + list_of(folders)));
  MILLRACE_DO(execute("SET allowed_paths = " + list_of(files)));
  return {};
}

Result<void> Session::lock_down() {
  if (locked_) return {};
  MILLRACE_DO(allow_files());
  MILLRACE_DO(execute("SET enable_external_access = false"));
  MILLRACE_DO(execute("SET lock_configuration = true"));
  locked_ = true;
  return {};
}

}  // namespace millrace::engine::duckdb
