// Values on their way to and from PostgreSQL, in its binary form.
// https://www.postgresql.org/docs/15/protocol-overview.html#PROTOCOL-FORMAT-CODES
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "store/database.h"

struct pg_result;

namespace millrace::store::postgres {

// Holds what libpq only points to. The types say what a `?` is: BIGINT, DOUBLE PRECISION, TEXT, BYTEA; NULL takes the
// type that its place has.
class Parameters {
 public:
  explicit Parameters(const Values& values);
  int count() const { return static_cast<int>(types_.size()); }
  const unsigned* types() const { return types_.data(); }
  const char* const* pointers() const { return pointers_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }
  const std::string& signature() const { return signature_; }  // one letter a value: statements are prepared by types

 private:
  std::vector<std::string> numbers_;
  std::vector<unsigned> types_;
  std::vector<const char*> pointers_;
  std::vector<int> lengths_, formats_;
  std::string signature_;
};

// `internal` for a type that no statement of ours should answer. Truth is 0 or 1; a NUMERIC (the sum of BIGINTs) is an
// integer where it is whole and fits, else a double.
Result<Rows> read_rows(const pg_result* result);

}  // namespace millrace::store::postgres
