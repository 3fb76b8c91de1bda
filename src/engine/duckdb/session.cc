#include "engine/duckdb/session.h"

#include <fmt/format.h>

#include <filesystem>

#include "core/files.h"
#include "engine/arrow_table.h"
#include "engine/duckdb/guard.h"
#include "engine/duckdb/timer.h"

namespace millrace::engine::duckdb {
namespace {

std::string list_of(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + quote_text(text);
  return out + "]";
}

// What the engine says while it produces rows comes back through Arrow; its words tell the code.
Error as_engine_error(const Error& error) {
  if (error.code() != Code::invalid || !error.hint().empty()) return error;
  return error_of(error.message()).at(error.where());
}

}  // namespace

// A statement from its text to the end of its rows.
class Session::Statement {
 public:
  explicit Statement(Session& session) : functions_(session.driver_->functions), connection_(session.connection_) {}
  ~Statement() {
    if (made_) functions_.StatementRelease(&statement_, complaint_.out());
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Result<void> set(const std::string& sql) {
    MILLRACE_DO(complaint_.check(functions_.StatementNew(&connection_, &statement_, complaint_.out())));
    made_ = true;
    return complaint_.check(functions_.StatementSetSqlQuery(&statement_, sql.c_str(), complaint_.out()));
  }

  Result<void> bind(const std::vector<Json>& values) {
    if (values.empty()) return {};
    ArrowArray array{};
    ArrowSchema schema{};
    MILLRACE_DO(make_row(values, &array, &schema));
    auto done = complaint_.check(functions_.StatementPrepare(&statement_, complaint_.out()));
    if (done) done = complaint_.check(functions_.StatementBind(&statement_, &array, &schema, complaint_.out()));
    // What was taken over has no release function any more.
    if (array.release != nullptr) array.release(&array);
    if (schema.release != nullptr) schema.release(&schema);
    return done;
  }

  Result<void> run(ArrowArrayStream* stream) {
    return complaint_.check(functions_.StatementExecuteQuery(&statement_, stream, nullptr, complaint_.out()));
  }

 private:
  const AdbcDriver& functions_;
  AdbcConnection& connection_;
  Complaint complaint_;
  AdbcStatement statement_{};
  bool made_ = false;
};

Session::Session(std::shared_ptr<const Driver> driver, const EngineOptions& options, std::string spill_folder)
    : driver_(std::move(driver)), options_(options), spill_folder_(std::move(spill_folder)) {
  for (auto* paths : {&options_.readable, &options_.writable})
    for (std::string& path : *paths) path = real_path(path);
}

Result<std::unique_ptr<Session>> Session::open(std::shared_ptr<const Driver> driver, const EngineOptions& options,
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
  Complaint complaint;
  if (connection_.private_data != nullptr) driver_->functions.ConnectionRelease(&connection_, complaint.out());
  if (database_.private_data != nullptr) driver_->functions.DatabaseRelease(&database_, complaint.out());
  // Best effort: a session that ends has nothing to say.
  if (!spill_folder_.empty()) (void)remove_tree(spill_folder_);
}

Result<void> Session::start() {
  MILLRACE_DO(start_database());
  Complaint complaint;
  const AdbcDriver& adbc = driver_->functions;
  MILLRACE_DO(complaint.check(adbc.ConnectionNew(&connection_, complaint.out())));
  MILLRACE_DO(complaint.check(adbc.ConnectionInit(&connection_, &database_, complaint.out())));
  MILLRACE_DO(execute("SET TimeZone = 'UTC'"));
  MILLRACE_TRY(const Table version, query("SELECT version()"));
  description_ = "duckdb " + version.text(0, 0);
  return {};
}

Result<void> Session::start_database() {
  Complaint complaint;
  const AdbcDriver& adbc = driver_->functions;
  MILLRACE_DO(complaint.check(adbc.DatabaseNew(&database_, complaint.out())));
  const std::vector<std::pair<const char*, std::string>> settings = {
      {"path", ":memory:"},
      {"threads", fmt::format("{}", std::max(options_.threads, 1))},
      {"memory_limit", fmt::format("{}B", std::max<int64_t>(options_.memory_bytes, 1))},
      {"temp_directory", spill_folder_},
      {"autoinstall_known_extensions", "false"},
      {"autoload_known_extensions", "false"},
      {"allow_community_extensions", "false"},
      {"allow_persistent_secrets", "false"},
  };
  for (const auto& [key, value] : settings)
    MILLRACE_DO(complaint.check(adbc.DatabaseSetOption(&database_, key, value.c_str(), complaint.out())));
  return complaint.check(adbc.DatabaseInit(&database_, complaint.out()));
}

Result<Table> Session::query(std::string_view sql, const std::vector<Json>& parameters) {
  MILLRACE_TRY(const std::string text, checked(sql));
  return run<Table>(text, parameters, read_table);
}

Result<int64_t> Session::execute(std::string_view sql) {
  MILLRACE_TRY(const std::string text, checked(sql));
  return run<int64_t>(text, {}, read_count);
}

template <class T, class Read>
Result<T> Session::run(const std::string& sql, const std::vector<Json>& parameters, Read read) {
  const Timer timer(options_.timeout, [this] {
    Complaint ignored;
    driver_->functions.ConnectionCancel(&connection_, ignored.out());
  });
  const auto failed = [&](const Error& error) {
    if (error.code() != Code::timeout) return error;
    if (!timer.expired()) return Error{Code::timeout, "the query was cancelled"};
    return Error{Code::timeout, fmt::format("the query took longer than {} ms", options_.timeout / 1000)}.hint(
        error.hint());
  };
  Statement statement(*this);
  ArrowArrayStream stream{};
  if (auto done = statement.set(sql); !done) return failed(done.error());
  if (auto done = statement.bind(parameters); !done) return failed(done.error());
  if (auto done = statement.run(&stream); !done) return failed(done.error());
  if (stream.release == nullptr) return T{};
  auto result = read(&stream);
  if (!result) return failed(as_engine_error(result.error()));
  return result;
}

Result<std::string> Session::checked(std::string_view sql) {
  if (sql.size() > limits::sql_bytes)
    return Error{Code::too_large,
                 fmt::format("a statement of {} bytes is over the limit of {}", sql.size(), limits::sql_bytes)};
  // The ADBC call takes a C string: what follows a NUL would be checked and not run, or the reverse.
  if (sql.find('\0') != std::string_view::npos) return Error{Code::invalid, "the SQL holds a NUL byte"};
  if (!locked_) return std::string(sql);
  return allowed(sql, options_.writable, [this](std::string_view text) { return count_selects(text); });
}

Result<int64_t> Session::count_selects(std::string_view sql) {
  static const std::string kParse =
      "SELECT j ->> 'error_type', j ->> 'error_message', json_array_length(j, 'statements') "
      "FROM (SELECT json_serialize_sql(CAST(? AS VARCHAR))::JSON AS j)";
  MILLRACE_TRY(const Table answer, run<Table>(kParse, {Json(std::string(sql))}, read_table));
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

void Session::cancel() {
  Complaint ignored;
  driver_->functions.ConnectionCancel(&connection_, ignored.out());
}

}  // namespace millrace::engine::duckdb
