#include "webhooks/seal.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <memory>

#include "core/codes/base64.h"
#include "core/files.h"
#include "core/hash.h"
#include "traces/otlp.h"

namespace millrace::webhooks {
namespace {

constexpr size_t kKey = 32, kNonce = 12, kTag = 16;
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

Error broken() {
  return Error{Code::corrupt, "a webhook's secret cannot be read with this key"}.hint(
      "restore the file webhooks.key of the state folder, or set the secret again; where servers share a database, one "
      "opens "
      "what was set there");
}

}  // namespace

Seal::Seal(std::string key) : key_(std::move(key)), prefix_("v1:" + digest_of(key_).substr(7, 8) + ":") {}

Result<Seal> Seal::load(const std::string& key_file, Random& random) {
  if (exists(key_file)) {
    MILLRACE_TRY(const auto text, read_file(key_file, 1024));
    const auto key = traces::bytes_of_hex(std::string_view(text).substr(0, 2 * kKey));
    if (!key || key->size() != kKey)
      return Error{Code::corrupt, "this is not a key for webhooks' secrets"}.at({.file = key_file});
    return Seal(*key);
  }
  std::string key(kKey, '\0');
  random.fill(key.data(), key.size());
  MILLRACE_DO(write_file(key_file, to_hex(key.data(), key.size()) + "\n", 0600));
  return Seal(std::move(key));
}

Result<std::string> Seal::close(std::string_view secret, std::string_view of, Random& random) const {
  std::string nonce(kNonce, '\0'), sealed(secret.size(), '\0'), tag(kTag, '\0');
  random.fill(nonce.data(), nonce.size());
  const Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int size = 0;
  const bool good =
      cipher && EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key_), bytes_of(nonce)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, bytes_of(of), static_cast<int>(of.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), bytes_of(sealed), &size, bytes_of(secret), static_cast<int>(secret.size())) ==
          1 &&
      EVP_EncryptFinal_ex(cipher.get(), bytes_of(sealed) + size, &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTag, tag.data()) == 1;
  if (!good) return Error{Code::internal, "a secret cannot be sealed"};
  return prefix_ + to_base64(nonce + sealed + tag);
}

Result<std::string> Seal::open(std::string_view sealed, std::string_view of) const {
  if (!sealed.starts_with(prefix_)) return broken();
  const auto bytes = from_any_base64(sealed.substr(kPrefix));
  if (!bytes || bytes->size() < kNonce + kTag) return broken();
  const auto nonce = bytes->substr(0, kNonce);
  const auto body = bytes->substr(kNonce, bytes->size() - kNonce - kTag);
  auto tag = bytes->substr(bytes->size() - kTag);
  std::string out(body.size(), '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int size = 0;
  const bool good =
      cipher && EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key_), bytes_of(nonce)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, bytes_of(of), static_cast<int>(of.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), bytes_of(out), &size, bytes_of(body), static_cast<int>(body.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTag, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), bytes_of(out) + size, &size) == 1;
  if (!good) return broken();
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::string out(32, '\0');
  unsigned size = 0;
  ::HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(text), text.size(), bytes_of(out), &size);
  return out;
}

}  // namespace millrace::webhooks
