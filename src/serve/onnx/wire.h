// The wire format of protocol buffers, read without a library: one message's fields, in their order. Nothing is copied.
#pragma once
#include <cstdint>
#include <string_view>

namespace millrace::serve::onnx {

enum Wire : unsigned { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct Field {
  uint64_t number = 0;
  unsigned wire = 0;
  uint64_t value = 0;      // of a varint
  std::string_view bytes;  // of a length-delimited field
};

// Steps over the fields of one message.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : left_(bytes) {}
  bool done() const { return left_.empty(); }
  bool next(Field& out) {  // false: malformed
    uint64_t tag = 0;
    if (!varint(tag)) return false;
    out = {.number = tag >> 3, .wire = static_cast<unsigned>(tag & 7)};
    if (out.number == 0 || out.number > 536'870'911) return false;
    switch (out.wire) {
      case kVarint: return varint(out.value);
      case kFixed64: return take(8, out.bytes);
      case kFixed32: return take(4, out.bytes);
      case kBytes: {
        uint64_t size = 0;
        return varint(size) && take(size, out.bytes);
      }
      default: return false;  // groups are not used by ONNX
    }
  }

  bool varint(uint64_t& out) {
    out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (left_.empty()) return false;
      const auto byte = static_cast<unsigned char>(left_[0]);
      left_.remove_prefix(1);
      out |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return true;
    }
    return false;
  }

 private:
  bool take(uint64_t size, std::string_view& out) {
    if (size > left_.size()) return false;
    out = left_.substr(0, size);
    left_.remove_prefix(size);
    return true;
  }
  std::string_view left_;
};

}  // namespace millrace::serve::onnx
