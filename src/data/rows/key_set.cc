#include "data/rows/key_set.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace millrace::data {
namespace {

constexpr size_t kNode = 64;  // what a set takes for a key beside its text

void append_bits(uint64_t bits, std::string& out) {
  char bytes[sizeof bits];
  std::memcpy(bytes, &bits, sizeof bits);
  out.append(bytes, sizeof bits);
}

}  // namespace

void append_key(const Cell& part, std::string& out) {
  out += static_cast<char>(part.kind == Cell::Kind::wrong ? Cell::Kind::null : part.kind);
  if (part.is_missing()) return;
  if (part.kind == Cell::Kind::text || part.kind == Cell::Kind::other) {
    append_bits(part.text.size(), out);
    out += part.text;
  } else if (part.kind == Cell::Kind::number) {
    const double value = std::isnan(part.number) ? std::numeric_limits<double>::quiet_NaN()
                         : part.number == 0      ? 0.0
                                                 : part.number;
    append_bits(std::bit_cast<uint64_t>(value), out);
  } else if (part.kind == Cell::Kind::boolean) {
    out += part.boolean ? '\1' : '\0';
  } else {
    append_bits(static_cast<uint64_t>(part.integer), out);
  }
}

bool KeySet::add(std::string_view encoded) {
  const size_t bytes = encoded.size() + kNode;
  if (bytes > limits::row_key_bytes - bytes_) return has(encoded);
  if (keys_.emplace(encoded).second) bytes_ += bytes;
  return true;
}

}  // namespace millrace::data
