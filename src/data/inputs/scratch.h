// A folder for the time of one check: `inputs` for copies of files, `spill` for the engine.
#pragma once
#include <string>

#include "core/result.h"

namespace millrace::data {

// Goes away with all that is in it.
class CheckScratch {
 public:
  CheckScratch() = default;
  CheckScratch(const CheckScratch&) = delete;
  CheckScratch& operator=(const CheckScratch&) = delete;
  ~CheckScratch();

  Result<void> make(const std::string& wanted);  // in this folder; "" = the machine's own for such things
  std::string inputs() const { return path_ + "/inputs"; }
  std::string spill() const { return path_ + "/spill"; }

 private:
  std::string path_;
};

}  // namespace millrace::data
