#include "api/oip/packed.h"

#include <cstring>

#include <fmt/format.h>

#include "api/oip/call.h"

namespace millrace::api::oip {
namespace {
using serve::DType;
using serve::Tensor;

Result<void> read_raw_texts(std::string_view raw, size_t expected, const std::string& field, Tensor& out) {
  while (!raw.empty()) {
    uint32_t size = 0;
    if (raw.size() >= 4) std::memcpy(&size, raw.data(), 4);
    if (raw.size() < 4 || size > raw.size() - 4) return bad("the last element is cut short", field);
    if (out.texts.size() == expected) break;
    out.texts.emplace_back(raw.substr(4, size));
    raw.remove_prefix(4 + size);
  }
  if (out.texts.size() != expected || !raw.empty())
    return bad(fmt::format("the shape {} has {} elements, the binary data has {}", out.shape.text(), expected,
                           raw.empty() ? std::to_string(out.texts.size()) : "more"),
               field);
  return {};
}

}  // namespace

Result<void> read_raw(std::string_view raw, const std::string& field, Tensor& out) {
  const auto expected = out.shape.elements();
  if (!expected) return bad(fmt::format("the shape {} has too many elements", out.shape.text()), field);
  if (out.type == DType::bytes) return read_raw_texts(raw, *expected, field, out);
  const size_t bytes = *expected * size_of(out.type);
  if (raw.size() != bytes)
    return bad(
        fmt::format("{} of shape {} takes {} bytes, not {}", name_of(out.type), out.shape.text(), bytes, raw.size()),
        field);
  const auto* from = reinterpret_cast<const std::byte*>(raw.data());
  out.data.assign(from, from + bytes);
  // A BOOL byte other than 0 and 1 means nothing to models.
  if (out.type == DType::boolean)
    for (size_t i = 0; i < bytes; ++i)
      if (out.data[i] > std::byte{1})
        return bad(fmt::format("BOOL takes the bytes 0 and 1, not {}", static_cast<int>(out.data[i])),
                   fmt::format("{}[{}]", field, i));
  return {};
}

size_t raw_size(const Tensor& tensor) {
  if (tensor.type != DType::bytes) return tensor.data.size();
  size_t size = 0;
  for (const auto& text : tensor.texts) size += 4 + text.size();
  return size;
}

void append_raw(std::string& out, const Tensor& tensor) {
  out.append(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
  for (const auto& text : tensor.texts) {
    const auto size = static_cast<uint32_t>(text.size());
    out.append(reinterpret_cast<const char*>(&size), sizeof size);
    out += text;
  }
}

}  // namespace millrace::api::oip
