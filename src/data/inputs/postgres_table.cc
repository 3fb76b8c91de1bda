#include "data/inputs/postgres_table.h"

#include <postgresql/libpq-fe.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include <fmt/format.h>

#include "core/files.h"
#include "engine/engine.h"
#include "store/postgres/connection.h"
#include "store/postgres/errors.h"

namespace millrace::data {
namespace {

constexpr const char* kSnapshot =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; "
    "SET LOCAL IntervalStyle = 'iso_8601'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; "
    "SET LOCAL lock_timeout = '20s'; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = "
    "0; "
    "SELECT 1";

struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Answer = std::unique_ptr<PGresult, Clear>;

std::string decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::sscanf(std::string(text.substr(i + 1, 2)).c_str(), "%2x", &value) == 1)
      out += static_cast<char>(value), i += 2;
    else
      out += text[i];
  }
  return out;
}

// One name, quoted ("My Table") or not; moves behind it.
std::string take_name(std::string_view& text) {
  std::string out;
  if (!text.starts_with('"')) {
    const auto dot = std::min(text.find('.'), text.size());
    out = text.substr(0, dot);
    text.remove_prefix(dot);
    return out;
  }
  for (text.remove_prefix(1); !text.empty(); text.remove_prefix(1)) {
    if (text.front() == '"' && !text.substr(1).starts_with('"')) break;
    if (text.front() == '"') text.remove_prefix(1);
    out += text.front();
  }
  if (!text.empty()) text.remove_prefix(1);
  return out;
}

std::string quoted(const std::string& name) { return engine::quote_name(name); }

std::string full_name(const PostgresTable& table) {
  return table.schema.empty() ? quoted(table.name) : quoted(table.schema) + "." + quoted(table.name);
}

Error failed(pg_conn* connection, const PGresult* result, const PostgresTable& table) {
  const char* state = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
  std::string said = result == nullptr ? PQerrorMessage(connection) : PQresultErrorMessage(result);
  while (said.ends_with('\n')) said.pop_back();
  auto error = store::postgres::to_error(state == nullptr ? "" : state, said.substr(0, 400));
  const std::string_view class_of = state == nullptr ? "" : std::string_view(state).substr(0, 5);
  if (class_of == "42501")
    return Error{Code::denied, fmt::format("the table may not be read: {}", error.message())}
        .at({.file = table.label})
        .hint(fmt::format("GRANT SELECT ON {} to this user", full_name(table)));
  return error.at({.file = table.label});
}

// What the engine calls PostgreSQL's types. "" = their text is what is judged; others stay as the server writes them
// and are of no type that a contract has but `object` and `array`.
std::string engine_type(const std::string& type) {
  static const std::map<std::string, std::string> kTypes{
      {"smallint", "SMALLINT"},
      {"integer", "INTEGER"},
      {"bigint", "BIGINT"},
      {"real", "FLOAT"},
      {"double precision", "DOUBLE"},
      {"boolean", "BOOLEAN"},
      {"date", "DATE"},
      {"timestamp without time zone", "TIMESTAMP"},
      {"timestamp with time zone", "TIMESTAMP WITH TIME ZONE"},
      {"time without time zone", "TIME"},
      {"json", "JSON"},
      {"jsonb", "JSON"},
  };
  const auto plain = type.substr(0, type.find('('));
  const auto rest = type.find(')') == std::string::npos ? "" : type.substr(type.find(')') + 1);
  if (type.ends_with("[]")) return "JSON";
  if (const auto known = kTypes.find(plain + rest); known != kTypes.end()) return known->second;
  int digits = 0, scale = 0;
  if (std::sscanf(type.c_str(), "numeric(%d,%d)", &digits, &scale) == 2 && digits <= 38 && scale >= 0 &&
      scale <= digits)
    return fmt::format("DECIMAL({}, {})", digits, scale);
  return plain == "numeric" ? "DOUBLE" : "VARCHAR";
}

Result<std::vector<InputColumn>> columns_of(pg_conn* connection, const PostgresTable& table) {
  const auto name = full_name(table);
  const std::array<const char*, 1> values{name.c_str()};
  const Answer found(
      PQexecParams(connection, "SELECT to_regclass($1) IS NOT NULL", 1, nullptr, values.data(), nullptr, nullptr, 0));
  if (PQresultStatus(found.get()) != PGRES_TUPLES_OK) return failed(connection, found.get(), table);
  if (std::string_view(PQgetvalue(found.get(), 0, 0)) != "t")
    return Error{Code::not_found, fmt::format("the database has no table {}", name)}
        .at({.file = table.label})
        .hint("write ?table=SCHEMA.NAME; names with capitals or dots as ?table=%22My%20Table%22");
  const Answer columns(
      PQexecParams(connection,
                   "SELECT attname, format_type(CASE WHEN typtype = 'd' THEN typbasetype ELSE atttypid END, "
                   "CASE WHEN typtype = 'd' THEN typtypmod ELSE atttypmod END) FROM pg_attribute JOIN pg_type "
                   "ON pg_type.oid = atttypid WHERE attrelid = $1::regclass AND attnum > 0 AND NOT "
                   "attisdropped ORDER BY attnum",
                   1, nullptr, values.data(), nullptr, nullptr, 0));
  if (PQresultStatus(columns.get()) != PGRES_TUPLES_OK) return failed(connection, columns.get(), table);
  std::vector<InputColumn> out;
  for (int row = 0; row < PQntuples(columns.get()); ++row)
    out.push_back({PQgetvalue(columns.get(), row, 0), engine_type(PQgetvalue(columns.get(), row, 1))});
  if (out.empty())
    return Error{Code::invalid, fmt::format("the table {} has no columns", name)}.at({.file = table.label});
  return out;
}

// Truth as a word: COPY alone would write t and f.
std::string copy_statement(const PostgresTable& table, const std::vector<InputColumn>& columns) {
  std::string list;
  for (const auto& column : columns)
    list +=
        fmt::format("{}{}{}", list.empty() ? "" : ", ", quoted(column.name), column.type == "BOOLEAN" ? "::text" : "");
  return fmt::format("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT csv, FORCE_QUOTE *)", list, full_name(table));
}

std::string header_of(const std::vector<InputColumn>& columns) {
  std::string out;
  for (const auto& column : columns) out += (out.empty() ? "" : ",") + quoted(column.name);
  return out + "\n";
}

Result<void> receive(pg_conn* connection, const PostgresTable& table, std::FILE* file) {
  int64_t written = 0;
  while (true) {
    char* row = nullptr;
    const int size = PQgetCopyData(connection, &row, 0);
    const std::unique_ptr<char, void (*)(void*)> held(row, PQfreemem);
    if (size == -1) break;
    if (size < 0) return failed(connection, nullptr, table);
    written += size;
    if (written > limits::decoded_bytes)
      return Error{Code::too_large, fmt::format("the table holds more than {} bytes", limits::decoded_bytes)}
          .at({.file = table.label})
          .hint("check a view of a part of it");
    if (std::fwrite(row, 1, static_cast<size_t>(size), file) != static_cast<size_t>(size))
      return file_error("writing a readable copy of", table.label, errno);
  }
  const Answer end(PQgetResult(connection));  // says whether all rows came
  if (PQresultStatus(end.get()) != PGRES_COMMAND_OK) return failed(connection, end.get(), table);
  while (const Answer more{PQgetResult(connection)}) continue;
  return {};
}

}  // namespace

bool is_postgres_url(std::string_view text) {
  return text.starts_with("postgresql://") || text.starts_with("postgres://");
}

Result<PostgresTable> read_postgres_url(const std::string& url) {
  MILLRACE_DO(store::postgres::check_url(url.substr(0, url.find('?'))));
  PostgresTable out;
  const auto question = url.find('?');
  std::string rest, named;
  for (size_t from = question == std::string::npos ? url.size() : question + 1; from < url.size();) {
    const size_t to = std::min(url.find('&', from), url.size());
    const auto pair = url.substr(from, to - from);
    from = to + 1;
    if (pair.starts_with("table="))
      named = decoded(std::string_view(pair).substr(6));
    else
      rest += (rest.empty() ? "?" : "&") + pair;
  }
  out.url = url.substr(0, question) + rest;
  out.label = fmt::format("{}?table={}", store::postgres::shown_url(out.url), named);
  std::string_view left = named;
  out.name = take_name(left);
  if (left.starts_with('.')) {
    left.remove_prefix(1);
    out.schema = std::exchange(out.name, take_name(left));
  }
  if (out.name.empty() || !left.empty())
    return Error{Code::invalid, named.empty() ? "the address of the database names no table"
                                              : fmt::format("'{}' is not SCHEMA.TABLE", named)}
        .at({.file = out.label})
        .hint("write e.g. postgresql://user@host/database?table=public.flights");
  return out;
}

PostgresSources::PostgresSources() = default;
PostgresSources::~PostgresSources() = default;
PostgresSources::PostgresSources(PostgresSources&&) noexcept = default;

void PostgresSources::Close::operator()(pg_conn* connection) const { PQfinish(connection); }

Result<pg_conn*> PostgresSources::connect(const PostgresTable& table) {
  if (const auto known = connections_.find(table.url); known != connections_.end()) return known->second.get();
  // Settings of the URL come later and win.
  const std::array<const char*, 5> names{"connect_timeout", "client_encoding", "fallback_application_name", "dbname",
                                         nullptr};
  const std::array<const char*, 5> values{"10", "UTF8", "millrace check", table.url.c_str(), nullptr};
  Connection connection(PQconnectdbParams(names.data(), values.data(), 1));
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    std::string said = PQerrorMessage(connection.get());
    said.resize(std::min(said.find('\n'), said.size()));
    const bool refused = said.find("authentication") != std::string::npos || said.find("role ") != std::string::npos;
    return Error{refused ? Code::denied : Code::unavailable,
                 fmt::format("the database cannot be reached: {}", said.substr(0, 400))}
        .at({.file = table.label})
        .hint("check host, database and user; the password may come from PGPASSWORD or ~/.pgpass");
  }
  const Answer begun(PQexec(connection.get(), kSnapshot));
  if (PQresultStatus(begun.get()) != PGRES_TUPLES_OK) return failed(connection.get(), begun.get(), table);
  return connections_.emplace(table.url, std::move(connection)).first->second.get();
}

Result<InputPlace> PostgresSources::copy(const PostgresTable& table, const std::string& path) {
  MILLRACE_TRY(auto* connection, connect(table));
  MILLRACE_TRY(auto columns, columns_of(connection, table));
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wbe"), std::fclose);
  if (!file) return file_error("writing a readable copy of", table.label, errno);
  const auto header = header_of(columns);
  const Answer started(PQexec(connection, copy_statement(table, columns).c_str()));
  if (PQresultStatus(started.get()) != PGRES_COPY_OUT) return failed(connection, started.get(), table);
  if (std::fwrite(header.data(), 1, header.size(), file.get()) != header.size())
    return file_error("writing a readable copy of", table.label, errno);
  MILLRACE_DO(receive(connection, table, file.get()));
  if (std::fflush(file.get()) != 0) return file_error("writing a readable copy of", table.label, errno);
  InputPlace place{.path = path, .label = table.label, .columns = std::move(columns)};
  place.reading.format = "csv";
  place.reading.delimiter = ',';
  place.reading.quote = '"';
  place.reading.escape = '"';
  return place;
}

}  // namespace millrace::data
