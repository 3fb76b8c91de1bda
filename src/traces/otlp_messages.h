// OTLP's messages as tables: what a field's number, name and type is. For otlp.cc.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace millrace::traces {

// `id`: bytes that JSON has in hexadecimal digits.
enum class FieldKind { text, id, bytes, boolean, int64, fixed64, uint32, fixed32, real, enumeration, message };

struct OtlpMessage;
struct OtlpField {
  uint32_t number;
  std::string_view name;
  FieldKind kind;
  bool repeated = false;
  const OtlpMessage* message = nullptr;
  std::span<const std::string_view> names = {};  // of an enumeration, from 0 on
};
struct OtlpMessage {
  std::span<const OtlpField> fields;
  bool one_of = false;  // at most one field is set: the last
};

extern const OtlpMessage kExportTraces;

}  // namespace millrace::traces
