// A database of somebody else's that is only read. Statements use `?` parameters. Used by one thread at a time.
#pragma once
#include <functional>
#include <set>
#include <string>

#include "core/result.h"
#include "store/database.h"

namespace millrace::exchange {

class SqlReader {
 public:
  virtual ~SqlReader() = default;
  // Calls `take` for each row; an error of it ends the reading.
  virtual Result<void> each(const std::string& sql, const store::Values& values,
                            const std::function<Result<void>(const store::Row&)>& take) = 0;
  virtual Result<std::set<std::string>> columns(const std::string& table) = 0;  // empty: there is no such table
};

}  // namespace millrace::exchange
