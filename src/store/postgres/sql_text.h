// Statements as this tree writes them, read by SQLite as they are, turned into what PostgreSQL reads.
#pragma once
#include <string>
#include <string_view>

namespace millrace::store::postgres {

struct Statement {
  std::string text;
  size_t parameters = 0;
};

// `?` becomes $1, $2 ...; the types INTEGER, REAL and BLOB become BIGINT, DOUBLE PRECISION and BYTEA. Quoted text,
// quoted names and comments stay as they are. A type is written in capitals: `text TEXT` is a column of that name.
Statement to_statement(std::string_view sql);

// The same for a migration, and: columns of TEXT are ordered by their bytes, as SQLite orders them (COLLATE "C", but
// not in a CAST); AUTOINCREMENT becomes a number from store_next(), which like SQLite's is part of the transaction: it
// is given back by a rollback and never used again after a commit.
std::string to_schema(std::string_view sql);

}  // namespace millrace::store::postgres
