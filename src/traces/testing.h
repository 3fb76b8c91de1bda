// For tests only: traces over a store of their own, and OTLP messages by hand.
#pragma once
#include "traces/traces.h"
#include "track/testing.h"

namespace millrace::testing {

struct Traced : Tracked {
  traces::Traces traces{*store.database, journal, store.world.context, tracking};
};

// A field of a protobuf message.
inline std::string wire_varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
inline std::string wire_bytes(uint32_t number, const std::string& bytes) {
  return wire_varint(number << 3 | 2) + wire_varint(bytes.size()) + bytes;
}
inline std::string wire_fixed(uint32_t number, uint64_t value) {
  std::string out = wire_varint(number << 3 | 1);
  for (int i = 0; i < 8; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}
inline std::string wire_number(uint32_t number, uint64_t value) {
  return wire_varint(number << 3) + wire_varint(value);
}

struct MadeSpan {
  char trace = 1, id = 1, parent = 0;  // the last byte of each id
  std::string name = "root";
  uint64_t start_ns = 1'000'000'000, end_ns = 1'250'000'000;
  uint64_t code = 1;                                            // STATUS_CODE_OK
  std::vector<std::pair<std::string, std::string>> attributes;  // texts

  std::string bytes() const {
    const auto id_of = [](char last, size_t size) { return std::string(size - 1, '\0') + last; };
    std::string out = wire_bytes(1, id_of(trace, 16)) + wire_bytes(2, id_of(id, 8)) + wire_bytes(5, name) +
                      wire_fixed(7, start_ns) + wire_fixed(8, end_ns) + wire_bytes(15, wire_number(3, code));
    if (parent != 0) out += wire_bytes(4, id_of(parent, 8));
    for (const auto& [key, value] : attributes)
      out += wire_bytes(9, wire_bytes(1, key) + wire_bytes(2, wire_bytes(1, value)));
    return out;
  }
};

inline std::string otlp_message(const std::vector<MadeSpan>& spans, const std::string& service = "") {
  std::string scope;
  for (const auto& span : spans) scope += wire_bytes(2, span.bytes());
  std::string resource;
  if (!service.empty())
    resource = wire_bytes(1, wire_bytes(1, wire_bytes(1, "service.name") + wire_bytes(2, wire_bytes(1, service))));
  return wire_bytes(1, resource + wire_bytes(2, scope));
}

}  // namespace millrace::testing
