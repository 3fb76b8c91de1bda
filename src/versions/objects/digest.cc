#include "versions/objects/digest.h"

#include <openssl/evp.h>

#include <cstdlib>

#include <fmt/format.h>

#include "core/hash.h"

namespace millrace::versions {
namespace {

EVP_MD_CTX* context_of(void* context) { return static_cast<EVP_MD_CTX*>(context); }

int value_of(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

}  // namespace

std::string Digest::hex() const { return to_hex(bytes.data(), bytes.size()); }

Result<Digest> read_digest(std::string_view text) {
  auto hex = text;
  if (hex.starts_with("sha256:")) hex.remove_prefix(7);
  Digest out;
  bool good = hex.size() == 64;
  for (size_t i = 0; good && i < 32; ++i) {
    const int high = value_of(hex[2 * i]), low = value_of(hex[2 * i + 1]);
    good = high >= 0 && low >= 0;
    out.bytes[i] = static_cast<uint8_t>(high * 16 + low);
  }
  if (!good)
    return Error{Code::invalid, fmt::format("'{}' is not a digest", text.substr(0, 80))}.hint(
        "write sha256: and 64 hexadecimal digits");
  return out;
}

Hasher::Hasher() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr || EVP_DigestInit_ex(context_of(context_), EVP_sha256(), nullptr) != 1) std::abort();
}
Hasher::~Hasher() { EVP_MD_CTX_free(context_of(context_)); }

void Hasher::begin() {
  if (EVP_DigestInit_ex(context_of(context_), nullptr, nullptr) != 1) std::abort();
}

void Hasher::update(std::string_view bytes) {
  if (EVP_DigestUpdate(context_of(context_), bytes.data(), bytes.size()) != 1) std::abort();
}

Digest Hasher::end() {
  Digest out;
  if (EVP_DigestFinal_ex(context_of(context_), out.bytes.data(), nullptr) != 1) std::abort();
  return out;
}

Digest hash_of(std::string_view bytes) {
  thread_local Hasher hasher;
  hasher.begin();
  hasher.update(bytes);
  return hasher.end();
}

}  // namespace millrace::versions
