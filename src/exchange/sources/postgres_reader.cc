#include "exchange/sources/postgres_reader.h"

#include <postgresql/libpq-fe.h>

#include <array>
#include <cctype>
#include <string_view>

#include <fmt/format.h>

#include "exchange/sources/url.h"
#include "store/postgres/connection.h"
#include "store/postgres/sql_text.h"
#include "store/postgres/values.h"

namespace millrace::exchange {
namespace {

namespace pg = store::postgres;

constexpr int64_t kRows = 1'000;  // that are held at once

// A taking over may think for long between two statements; the source's own settings are for its clients.
constexpr const char* kSession =
    "SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0; SET lock_timeout = '60s'; "
    "SET standard_conforming_strings = on; SET bytea_output = 'hex'; "
    "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";

std::string first_line(const char* text) {
  std::string out(text != nullptr ? text : "");
  return out.substr(0, out.find('\n'));
}

Error connection_error(PGconn* connection) {
  const auto message = first_line(connection != nullptr ? PQerrorMessage(connection) : "no memory");
  const bool denied = message.find("authentication failed") != std::string::npos ||
                      message.find("no password supplied") != std::string::npos;
  if (denied)
    return Error{Code::denied, "the source's server refused the user or password"}.hint(
        "give the password in the URL, in PGPASSWORD or in ~/.pgpass");
  if (message.find("FATAL:  database \"") != std::string::npos)
    return Error{Code::not_found, "the source's server has no such database"};
  return Error{Code::unavailable, "no connection to the source: " + message}.hint(
      "check host and port, or try again in a moment");
}

// Takes "password=..." out of the part behind '?'.
std::string take_parameter(std::string& url, std::string_view name) {
  std::string value;
  const auto question = url.find('?');
  if (question == std::string::npos) return value;
  std::string kept;
  std::string_view rest = std::string_view(url).substr(question + 1);
  while (!rest.empty()) {
    const auto part = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    const auto equals = std::min(part.find('='), part.size());
    if (unescaped(part.substr(0, equals)) == name)
      value = unescaped(part.substr(std::min(equals + 1, part.size())));
    else
      kept += (kept.empty() ? "?" : "&") + std::string(part);
  }
  url = url.substr(0, question) + kept;
  return value;
}

}  // namespace

std::string postgres_url(const std::string& where) {
  const auto colon = where.find("://");
  if (colon == std::string::npos) return "";
  const auto scheme = where.substr(0, colon);
  const bool known = scheme == "postgresql" || scheme == "postgres" || scheme.starts_with("postgresql+") ||
                     scheme.starts_with("postgres+");
  return known ? "postgresql" + where.substr(colon) : std::string();
}

Result<SplitUrl> without_password(const std::string& url) {
  MILLRACE_DO(pg::check_url(url));
  SplitUrl out{.url = url, .password = {}};
  const auto from = url.find("://") + 3;
  const auto end = std::min(url.find_first_of("/?", from), url.size());
  const auto at = url.substr(0, end).rfind('@');
  if (at != std::string::npos && at >= from) {
    const auto colon = std::min(url.find(':', from), at);
    out.password = unescaped(std::string_view(url).substr(std::min(colon + 1, at), at - std::min(colon + 1, at)));
    out.url = url.substr(0, colon) + url.substr(at);
  }
  if (auto given = take_parameter(out.url, "password"); !given.empty()) out.password = std::move(given);
  return out;
}

void PostgresReader::Clear::operator()(pg_result* result) const { PQclear(result); }

PostgresReader::~PostgresReader() { PQfinish(connection_); }

Result<std::unique_ptr<PostgresReader>> PostgresReader::open(const std::string& url, const std::string& password) {
  MILLRACE_TRY(const auto split, without_password(url));
  const auto& secret = password.empty() ? split.password : password;
  // Those before the URL are defaults, those after it are not to be changed.
  const std::array names{"fallback_application_name",
                         "connect_timeout",
                         "keepalives_idle",
                         "keepalives_interval",
                         "keepalives_count",
                         "dbname",
                         "client_encoding",
                         secret.empty() ? static_cast<const char*>(nullptr) : "password",
                         static_cast<const char*>(nullptr)};
  const std::array values{
      "millrace", "10", "10", "5", "3", split.url.c_str(), "UTF8", secret.c_str(), static_cast<const char*>(nullptr)};
  auto* connection = PQconnectdbParams(names.data(), values.data(), 1);
  std::unique_ptr<PostgresReader> out(new PostgresReader(connection));
  if (connection == nullptr || PQstatus(connection) != CONNECTION_OK) return connection_error(connection);
  PQsetNoticeProcessor(
      connection, [](void*, const char*) {}, nullptr);
  MILLRACE_DO(out->begin(split.url));
  return out;
}

Result<void> PostgresReader::begin(const std::string& url) {
  const Answer begun(PQexec(connection_, kSession));
  if (PQresultStatus(begun.get()) != PGRES_COMMAND_OK) return connection_error(connection_);
  std::string schema;
  MILLRACE_DO(each("SELECT coalesce(current_schema(), '')", {}, [&](const store::Row& row) -> Result<void> {
    schema = row.text(0);
    return {};
  }));
  if (schema.empty()) return Error{Code::not_found, "the search path of the source's URL names no schema"};
  name_ = fmt::format("{}/{}", pg::shown_url(url), schema);
  return {};
}

Result<PostgresReader::Answer> PostgresReader::run(const std::string& sql, const store::Values& values) {
  const pg::Parameters parameters(values);
  Answer out(PQexecParams(connection_, sql.c_str(), parameters.count(), parameters.types(), parameters.pointers(),
                          parameters.lengths(), parameters.formats(), 1));
  const auto status = PQresultStatus(out.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return out;
  if (PQstatus(connection_) != CONNECTION_OK)
    return Error{Code::unavailable, "the connection to the source was lost"}.hint("run it again to go on");
  // It ends the transaction, and with it every reading: never the fault of one thing that is read.
  const char* text = PQresultErrorField(out.get(), PG_DIAG_MESSAGE_PRIMARY);
  return Error{Code::unavailable, "cannot read the source: " + first_line(text)}.hint("run it again to go on");
}

Result<void> PostgresReader::each(const std::string& sql, const store::Values& values,
                                  const std::function<Result<void>(const store::Row&)>& take) {
  const auto statement = pg::to_statement(sql);
  if (statement.parameters != values.size())
    return Error{Code::internal, fmt::format("{} values for '{}'", values.size(), sql.substr(0, 200))};
  const auto cursor = fmt::format("c{}", ++cursors_);
  MILLRACE_TRY(const auto declared,
               run(fmt::format("DECLARE {} NO SCROLL CURSOR FOR {}", cursor, statement.text), values));
  for (bool more = true; more;) {
    MILLRACE_TRY(const auto answer, run(fmt::format("FETCH {} FROM {}", kRows, cursor), {}));
    MILLRACE_TRY(const auto rows, pg::read_rows(answer.get()));
    for (const auto& row : rows) {
      auto taken = take(row);
      if (taken) continue;
      MILLRACE_TRY(const auto closed, run("CLOSE " + cursor, {}));
      return taken;
    }
    more = static_cast<int64_t>(rows.size()) == kRows;
  }
  MILLRACE_TRY(const auto closed, run("CLOSE " + cursor, {}));
  return {};
}

Result<std::set<std::string>> PostgresReader::columns(const std::string& table) {
  std::set<std::string> out;
  bool readable = true;
  MILLRACE_DO(
      each("SELECT CAST(a.attname AS VARCHAR(64)), has_table_privilege(c.oid, 'SELECT') FROM "
           "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN "
           "pg_catalog.pg_attribute a ON a.attrelid = c.oid WHERE n.nspname = current_schema() AND c.relname = "
           "? AND a.attnum > 0 AND NOT a.attisdropped",
           {table}, [&](const store::Row& row) -> Result<void> {
             out.insert(row.text(0));
             readable = row.integer(1) != 0;
             return {};
           }));
  if (readable) return out;
  return Error{Code::denied, fmt::format("the user of the source's URL may not read the table '{}'", table)}.hint(
      "it needs SELECT on all of MLflow's tables: GRANT SELECT ON ALL TABLES IN SCHEMA ...");
}

}  // namespace millrace::exchange
