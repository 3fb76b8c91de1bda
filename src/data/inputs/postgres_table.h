// A table (or view) of PostgreSQL as an input: copied to a CSV file in the form in which the server itself writes one,
// row after row, from one read-only snapshot. Nothing of it stays in memory, and nothing is written to the server.
#pragma once
#include <memory>
#include <string>

#include "data/inputs/inputs.h"

struct pg_conn;

namespace millrace::data {

// postgresql://USER@HOST/DATABASE?table=SCHEMA.NAME; other settings of libpq's URLs may follow.
bool is_postgres_url(std::string_view text);

struct PostgresTable {
  std::string url;           // without the table
  std::string schema, name;  // schema "" = as the search path says
  std::string label;         // without user and secrets: for people
};
Result<PostgresTable> read_postgres_url(const std::string& url);

// The databases of one check. All tables of one database come from the same snapshot, whenever they are copied.
class PostgresSources {
 public:
  PostgresSources();
  ~PostgresSources();
  PostgresSources(PostgresSources&&) noexcept;

  // Writes the table to `path`. `not_found` for a table that is not there, `denied` for one that may not be read,
  // `unavailable` for a server that does not answer or goes away; then no rows count.
  Result<InputPlace> copy(const PostgresTable& table, const std::string& path);

 private:
  struct Close {
    void operator()(pg_conn* connection) const;
  };
  using Connection = std::unique_ptr<pg_conn, Close>;
  Result<pg_conn*> connect(const PostgresTable& table);

  std::map<std::string, Connection> connections_;  // by URL
};

}  // namespace millrace::data
