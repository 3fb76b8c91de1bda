// Content's name as 32 bytes: what manifests, packs and the index hold a million of. As text it is core/hash.h's
// "sha256:<hex>".
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/result.h"

namespace millrace::versions {

struct Digest {
  std::array<uint8_t, 32> bytes{};

  auto operator<=>(const Digest&) const = default;
  bool empty() const { return *this == Digest{}; }
  std::string hex() const;
  std::string text() const { return "sha256:" + hex(); }
};
static_assert(sizeof(Digest) == 32);

struct DigestHash {
  size_t operator()(const Digest& digest) const {
    size_t out = 0;
    std::memcpy(&out, digest.bytes.data(), sizeof out);
    return out;
  }
};

// "sha256:<hex>" or the 64 digits alone.
Result<Digest> read_digest(std::string_view text);

// One thread's hash, used again and again: making a new one costs as much as hashing a small file.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  void begin();
  void update(std::string_view bytes);
  Digest end();

 private:
  void* context_;
};

Digest hash_of(std::string_view bytes);

}  // namespace millrace::versions
