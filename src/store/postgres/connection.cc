#include "store/postgres/connection.h"

#include <postgresql/libpq-fe.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/limits.h"
#include "store/postgres/errors.h"
#include "store/postgres/sql_text.h"
#include "store/postgres/values.h"

namespace millrace::store::postgres {
namespace {

constexpr int kOldestServer = 150000;

// What a session must have, whatever the server's defaults are. A commit is acknowledged only when it is durable.
// A reader may think for long between two statements; a writer holds up all others.
constexpr const char* kSession =
    "SET statement_timeout = '60s'; SET lock_timeout = '20s'; SET idle_in_transaction_session_timeout = '10min'; "
    "SET standard_conforming_strings = on; SET jit = off; "
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

std::string first_line(const char* text) {
  std::string out(text != nullptr ? text : "");
  out.resize(std::min(out.find('\n'), out.size()));
  return out;
}

Error bad_url(std::string why) {
  return Error{Code::invalid, "the store's URL cannot be read: " + std::move(why)}.hint(
      "write postgresql://USER:PASSWORD@HOST:PORT/DATABASE with special characters of the password percent-encoded");
}

// One setting of the URL, or "".
std::string setting(const PQconninfoOption* options, std::string_view name) {
  for (; options->keyword != nullptr; ++options)
    if (name == options->keyword) return options->val != nullptr ? options->val : "";
  return "";
}

struct Settings {
  PQconninfoOption* options;
  explicit Settings(const std::string& url) : options(PQconninfoParse(url.c_str(), nullptr)) {}
  ~Settings() { PQconninfoFree(options); }
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;
};

}  // namespace

// Messages of libpq about a URL repeat parts of it, and a part may be half a password: none is handed on.
Result<void> check_url(const std::string& url) {
  const auto authority_from = url.find("://") + 3;
  const auto authority = url.substr(authority_from, url.find_first_of("/?", authority_from) - authority_from);
  if (std::count(authority.begin(), authority.end(), '@') > 1) return bad_url("it has more than one '@'");
  const Settings settings(url);
  if (settings.options == nullptr) return bad_url("it does not have the form of one");
  if (setting(settings.options, "port").find_first_not_of("0123456789,") != std::string::npos)
    return bad_url("its port is no number");
  return {};
}

std::string shown_url(const std::string& url) {
  const Settings settings(url);
  if (settings.options == nullptr || !check_url(url)) return "postgresql://";
  const auto port = setting(settings.options, "port");
  return fmt::format("postgresql://{}{}{}/{}", setting(settings.options, "host"), port.empty() ? "" : ":", port,
                     setting(settings.options, "dbname"));
}

bool has_password(const std::string& url) {
  const Settings settings(url);
  return settings.options == nullptr || !setting(settings.options, "password").empty();
}

void Connection::Clear::operator()(pg_result* result) const { PQclear(result); }

Connection::~Connection() { PQfinish(connection_); }

Result<std::unique_ptr<Connection>> Connection::open(const std::string& url) {
  MILLRACE_DO(check_url(url));
  std::unique_ptr<Connection> out(new Connection());
  // Those before the URL are defaults, the one after it is not to be changed.
  const std::array names{"fallback_application_name",
                         "connect_timeout",
                         "keepalives_idle",
                         "keepalives_interval",
                         "keepalives_count",
                         "tcp_user_timeout",
                         "dbname",
                         "client_encoding",
                         static_cast<const char*>(nullptr)};
  const std::array values{
      "millrace", "5", "10", "5", "3", "20000", url.c_str(), "UTF8", static_cast<const char*>(nullptr)};
  out->connection_ = PQconnectdbParams(names.data(), values.data(), 1);
  if (out->connection_ == nullptr) return Error{Code::unavailable, "no memory for a connection to the database"};
  PQsetNoticeProcessor(
      out->connection_, [](void*, const char*) {}, nullptr);
  if (PQstatus(out->connection_) != CONNECTION_OK) {
    const auto message = first_line(PQerrorMessage(out->connection_));
    // libpq keeps no SQLSTATE of a refused connection.
    const bool password = message.find("authentication failed") != std::string::npos ||
                          message.find("no password supplied") != std::string::npos;
    const bool absent = message.find("FATAL:  database \"") != std::string::npos;
    return to_error(password ? "28P01" : absent ? "3D000" : "", "no connection to the store: " + message);
  }
  if (auto done = out->prepare_session(); !done) return std::move(done).error();
  return out;
}

Result<void> Connection::prepare_session() {
  if (const int version = PQserverVersion(connection_); version < kOldestServer)
    return Error{Code::unsupported, fmt::format("the database is PostgreSQL {}", version / 10000)}.hint(
        "use PostgreSQL 15 or later");
  const char* encoding = PQparameterStatus(connection_, "server_encoding");
  if (encoding == nullptr || std::string_view(encoding) != "UTF8")
    return Error{Code::unsupported,
                 fmt::format("the database's encoding is {}", encoding != nullptr ? encoding : "unknown")}
        .hint("make it with: createdb --encoding UTF8 --template template0");
  MILLRACE_DO(script(kSession));
  MILLRACE_TRY(const auto row, first("SELECT current_schema() IS NULL, hashtextextended('millrace store ' || "
                                     "coalesce(current_schema(), ''), 0)"));
  if (!row || row->integer(0) != 0)
    return Error{Code::not_found, "the search path of the store's URL names no schema"}.hint("make the schema first");
  lock_key_ = row->integer(1);
  return {};
}

Error Connection::failed(const pg_result* result, std::string_view doing) {
  const auto field = [&](int code) {
    const char* text = result != nullptr ? PQresultErrorField(result, code) : nullptr;
    return std::string(text != nullptr ? text : "");
  };
  const auto severity = field(PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity == "FATAL" || severity == "PANIC" || PQstatus(connection_) != CONNECTION_OK) lost_ = true;
  auto message = field(PG_DIAG_MESSAGE_PRIMARY);
  if (message.empty()) message = first_line(PQerrorMessage(connection_));
  auto error = lost_ ? to_error("", "the connection to the database was lost: " + message)
                     : to_error(field(PG_DIAG_SQLSTATE), fmt::format("{}: {}", doing, message));
  if (lost_ || in_transaction()) failure_ = error;
  return error;
}

Result<void> Connection::script(const std::string& sql) {
  if (lost_) return to_error("", "the connection to the database is lost");
  const Outcome result(PQexec(connection_, sql.c_str()));
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    return failed(result.get(), "the store refused a statement");
  return {};
}

Result<void> Connection::commit() {
  if (lost_) return to_error("", "the connection to the database is lost");
  const Outcome result(PQexec(connection_, "COMMIT"));
  if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) return failed(result.get(), "the store could not commit");
  // Of a transaction that failed before, COMMIT is a ROLLBACK and no error.
  if (std::string_view(PQcmdStatus(result.get())) != "COMMIT")
    return failure_ ? *failure_ : Error{Code::internal, "the transaction was undone at its commit"};
  return {};
}

Result<void> Connection::recover(const std::string& rollback) {
  failure_.reset();
  return script(rollback);
}

Result<Rows> Connection::query(std::string_view sql, const Values& values) {
  MILLRACE_TRY(const auto result, run(sql, values));
  return read_rows(result.get());
}

Result<int64_t> Connection::execute(std::string_view sql, const Values& values) {
  MILLRACE_TRY(const auto result, run(sql, values));
  return int64_t{std::strtoll(PQcmdTuples(result.get()), nullptr, 10)};
}

Result<Connection::Outcome> Connection::run(std::string_view sql, const Values& values) {
  if (failure_) return *failure_;
  const Parameters parameters(values);
  MILLRACE_TRY(const auto name, statement_of(sql, parameters.signature(), parameters.types(), values.size()));
  Outcome result(PQexecPrepared(connection_, name.c_str(), parameters.count(), parameters.pointers(),
                                parameters.lengths(), parameters.formats(), 1));
  switch (PQresultStatus(result.get())) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK: return result;
    case PGRES_EMPTY_QUERY: return Error{Code::internal, fmt::format("not one statement: '{}'", sql.substr(0, 200))};
    default: return failed(result.get(), "the store could not answer");
  }
}

Result<std::string> Connection::statement_of(std::string_view sql, const std::string& signature, const unsigned* types,
                                             size_t values) {
  auto key = signature + ' ' + std::string(sql);
  if (const auto found = statements_.find(key); found != statements_.end()) return found->second;
  const auto statement = to_statement(sql);
  if (statement.parameters != values)
    return Error{Code::internal, fmt::format("{} values for the {} parameters of '{}'", values, statement.parameters,
                                             sql.substr(0, 200))};
  if (statements_.size() >= limits::store_statements) {
    MILLRACE_DO(script("DEALLOCATE ALL"));
    statements_.clear();
  }
  auto name = fmt::format("s{}", ++prepared_);
  const Outcome result(PQprepare(connection_, name.c_str(), statement.text.c_str(), static_cast<int>(values), types));
  if (PQresultStatus(result.get()) != PGRES_COMMAND_OK)
    return failed(result.get(), fmt::format("the statement '{}'", sql.substr(0, 200)));
  statements_.emplace(std::move(key), name);
  return name;
}

bool Connection::broken() const { return lost_ || PQstatus(connection_) != CONNECTION_OK; }

bool Connection::in_transaction() const {
  const auto status = PQtransactionStatus(connection_);
  return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

}  // namespace millrace::store::postgres
