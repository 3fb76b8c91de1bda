#include "traces/wire.h"

#include <fmt/format.h>

namespace millrace::traces {
namespace {

Error cut() { return Error{Code::invalid, "the protobuf message ends in the middle of a field"}; }

}  // namespace

Result<uint64_t> WireReader::varint() {
  uint64_t out = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (rest_.empty()) return cut();
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    if (shift == 63 && byte > 1) break;
    out |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return out;
  }
  return Error{Code::invalid, "the protobuf message holds a number of more than 64 bits"};
}

Result<uint64_t> WireReader::fixed(size_t bytes) {
  if (rest_.size() < bytes) return cut();
  uint64_t out = 0;
  for (size_t i = bytes; i-- > 0;) out = out << 8 | static_cast<unsigned char>(rest_[i]);
  rest_.remove_prefix(bytes);
  return out;
}

Result<WireField> WireReader::next() {
  MILLRACE_TRY(const auto tag, varint());
  WireField field;
  if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
    return Error{Code::invalid, fmt::format("the protobuf message has a field numbered {}", tag >> 3)};
  field.number = static_cast<uint32_t>(tag >> 3);
  switch (tag & 7) {
    case 0: {
      MILLRACE_TRY(field.value, varint());
      return field;
    }
    case 1: {
      field.wire = Wire::fixed64;
      MILLRACE_TRY(field.value, fixed(8));
      return field;
    }
    case 2: {
      field.wire = Wire::bytes;
      MILLRACE_TRY(const auto size, varint());
      if (size > rest_.size()) return cut();
      field.bytes = rest_.substr(0, size);
      rest_.remove_prefix(size);
      return field;
    }
    case 5: {
      field.wire = Wire::fixed32;
      MILLRACE_TRY(field.value, fixed(4));
      return field;
    }
    default: return Error{Code::invalid, fmt::format("the protobuf message has a field of wire type {}", tag & 7)};
  }
}

}  // namespace millrace::traces
