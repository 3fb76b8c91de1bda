// Bytes that are read once, front to back, in pieces of the reader's own choice of size: what a whole file would not
// fit into memory for.
#pragma once
#include <cstddef>

#include "core/result.h"

namespace millrace {

// Used by one thread at a time; may wait for disk or network.
class Reader {
 public:
  virtual ~Reader() = default;
  // Fills up to `room` bytes at `to`; answers how many, 0 only at the end. `unavailable` when the source broke off.
  virtual Result<size_t> read(char* to, size_t room) = 0;
};

}  // namespace millrace
