// Rows out of bytes, one after the other.
#pragma once
#include "core/result.h"
#include "data/rows/cell.h"

namespace millrace::data {

class RowReader {
 public:
  virtual ~RowReader() = default;
  // The next row's values as they came, in the order of the columns; they lie there until the next call. False at the
  // end. Errors name file and line, or the part that is damaged.
  virtual Result<bool> next(Row& row) = 0;
};

}  // namespace millrace::data
