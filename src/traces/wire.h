// Protobuf's wire format, read field by field and never beyond its end. Groups, which proto3 does not have, and field
// numbers below 1 are refused. https://protobuf.dev/programming-guides/encoding/
#pragma once
#include <cstdint>
#include <string_view>

#include "core/result.h"

namespace millrace::traces {

enum class Wire { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

struct WireField {
  uint32_t number = 0;
  Wire wire = Wire::varint;
  uint64_t value = 0;      // of all but bytes
  std::string_view bytes;  // points into the message
};

// Refers to the message, which must outlive it.
class WireReader {
 public:
  explicit WireReader(std::string_view message) : rest_(message) {}
  bool done() const { return rest_.empty(); }
  Result<WireField> next();  // not after done()

 private:
  Result<uint64_t> varint();
  Result<uint64_t> fixed(size_t bytes);

  std::string_view rest_;
};

}  // namespace millrace::traces
