// A statement's rows as the engine produces them: some thousands at a time, in their order, read where they lie. For
// what counts in C++ over batches that no Table could hold.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "core/result.h"

struct ArrowArrayStream;

namespace millrace::engine {

class Engine;

// BIGINT and UBIGINT (its bits) are integers, DOUBLE numbers, VARCHAR texts, BOOLEAN booleans.
class ScanColumn {
 public:
  enum class Kind { boolean, integer, number, text };
  Kind kind() const { return kind_; }
  size_t rows() const { return rows_; }
  bool is_null(size_t row) const { return present_ != nullptr && !bit(present_, row); }
  // What stands where a row is null is any value.
  std::span<const int64_t> integers() const { return {static_cast<const int64_t*>(values_) + first_, rows_}; }
  std::span<const double> numbers() const { return {static_cast<const double*>(values_) + first_, rows_}; }
  bool boolean(size_t row) const { return bit(static_cast<const uint8_t*>(values_), row); }
  std::string_view text(size_t row) const {
    const auto* ends = static_cast<const int64_t*>(values_) + first_ + row;
    return {texts_ + ends[0], static_cast<size_t>(ends[1] - ends[0])};
  }

 private:
  friend class ScanReader;
  bool bit(const uint8_t* bits, size_t row) const {
    const size_t at = first_ + row;
    return (bits[at / 8] >> (at % 8) & 1) != 0;
  }
  Kind kind_ = Kind::integer;
  size_t rows_ = 0, first_ = 0;
  const uint8_t* present_ = nullptr;
  const void* values_ = nullptr;
  const char* texts_ = nullptr;
};

// Called with the columns of the next rows, which are gone when it returns. An error ends the scan and is its answer.
using TakeRows = std::function<Result<void>(std::span<const ScanColumn>)>;

// What an engine is beside Engine when its rows come from this process.
class Scanner {
 public:
  virtual ~Scanner() = default;
  // One SELECT, under the rules of Engine::query but for the number of rows. `invalid` for a column of another type.
  virtual Result<void> scan(std::string_view sql, const TakeRows& take) = 0;
  // SQL for 64 bits that are equal for equal values; of several columns with commas between.
  virtual std::string hash(std::string_view list) const = 0;
};
Scanner* scanner_of(Engine& engine);  // nullptr: rows would have to come from another machine

// Takes the stream over and reads it to its end; errors are those of read_table() (engine/arrow_table.h).
Result<void> read_stream(ArrowArrayStream* stream, const TakeRows& take);

}  // namespace millrace::engine
