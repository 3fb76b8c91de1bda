// Parquet files of our own, written from plain columns (the prediction log's seal) with zstd. Same columns, same bytes:
// the file names the writing library's version, and no time, path or host. Functions are thread-safe; values are not.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/clock.h"
#include "core/result.h"

namespace millrace::engine {

// One nullable column that grows by push_. Push what its kind says: integers also fill a timestamp (microseconds, UTC).
class Column {
 public:
  enum class Kind { boolean, integer, number, text, timestamp };
  Column(std::string name, Kind kind);

  void push_null();
  void push_boolean(bool value);           // Kind::boolean
  void push_integer(int64_t value);        // Kind::integer
  void push_time(Micros value);            // Kind::timestamp
  void push_number(double value);          // Kind::number
  void push_text(std::string_view value);  // Kind::text; must be UTF-8
  void reserve(size_t rows);
  void clear();  // keeps the memory

  size_t size() const { return present_.size(); }
  const std::string& name() const { return name_; }
  Kind kind() const { return kind_; }
  const std::vector<uint8_t>& present() const { return present_; }
  const std::vector<int64_t>& wholes() const { return wholes_; }  // boolean, integer, timestamp
  const std::vector<double>& numbers() const { return numbers_; }
  std::string_view text(size_t row) const;

 private:
  std::string name_;
  Kind kind_;
  std::vector<uint8_t> present_;
  std::vector<int64_t> wholes_;
  std::vector<double> numbers_;
  std::string texts_;  // one after the other
  std::vector<size_t> ends_;
};

using Columns = std::vector<Column>;  // of equal size

// Written beside, flushed, renamed, folder flushed: a reader sees the whole file or none. `metadata` goes into the
// footer. `invalid` for columns of unequal size, equal names or text that is not UTF-8.
Result<void> write_parquet(const std::string& path, const Columns& columns,
                           const std::map<std::string, std::string>& metadata = {});

// What the footer says, once it is known to fit the file. `invalid` for a file that is cut, malformed or no Parquet at
// all (a caller that wrote the file itself calls that corrupt), `not_found` if there is none. Values are not decoded.
struct ParquetInfo {
  int64_t rows = 0;
  int64_t row_groups = 0;
  std::vector<std::string> columns;
  std::map<std::string, std::string> metadata;
  std::string writer;
};
Result<ParquetInfo> read_parquet_info(const std::string& path);
Result<int64_t> parquet_rows(const std::string& path);

}  // namespace millrace::engine
