#include "registry/signing/keys.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "core/files.h"
#include "core/hash.h"

namespace millrace::registry {
namespace {

constexpr size_t kKeyBytes = 64 << 10;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Digest = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

Bio reader_of(std::string_view text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

// Nobody is asked for a password: an encrypted key is refused.
int no_password(char*, int, int, void*) { return 0; }

enum class Kind { p256, p384, p521, ed25519, other };

Kind kind_of(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "ED25519")) return Kind::ed25519;
  if (!EVP_PKEY_is_a(key, "EC")) return Kind::other;
  std::array<char, 80> name{};
  size_t size = 0;
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) != 1) return Kind::other;
  const std::string_view curve(name.data(), size);
  if (curve == "prime256v1" || curve == "P-256") return Kind::p256;
  if (curve == "secp384r1" || curve == "P-384") return Kind::p384;
  if (curve == "secp521r1" || curve == "P-521") return Kind::p521;
  return Kind::other;
}

const EVP_MD* hash_of(Kind kind) {
  switch (kind) {
    case Kind::p256: return EVP_sha256();
    case Kind::p384: return EVP_sha384();
    case Kind::p521: return EVP_sha512();
    default: return nullptr;  // Ed25519 hashes by itself
  }
}

Error not_supported() {
  return Error{Code::unsupported, "this kind of key does not sign models"}.hint(
      "use ECDSA on P-256 (openssl ecparam -name prime256v1 -genkey), P-384 or P-521, or Ed25519 (openssl genpkey "
      "-algorithm ed25519)");
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

struct PublicKey::Held {
  explicit Held(EVP_PKEY* key) : key(key) {}
  ~Held() { EVP_PKEY_free(key); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  EVP_PKEY* key;
};

Result<PublicKey> PublicKey::of(std::shared_ptr<const Held> held) {
  if (kind_of(held->key) == Kind::other) return not_supported();
  const Bio out(BIO_new(BIO_s_mem()), &BIO_free);
  if (PEM_write_bio_PUBKEY(out.get(), held->key) != 1) return Error{Code::internal, "the public key cannot be written"};
  char* text = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &text);
  return PublicKey(std::move(held), std::string(text, static_cast<size_t>(size)));
}

Result<PublicKey> PublicKey::parse(std::string_view pem) {
  const auto in = reader_of(pem);
  auto* key = PEM_read_bio_PUBKEY(in.get(), nullptr, &no_password, nullptr);
  ERR_clear_error();
  if (key == nullptr)
    return Error{Code::invalid, "this is no public key"}.hint("give a PEM file: -----BEGIN PUBLIC KEY-----");
  return of(std::make_shared<const Held>(key));
}

Result<PublicKey> PublicKey::load(const std::string& file) {
  MILLRACE_TRY(const auto pem, read_file(file, kKeyBytes));
  auto key = parse(pem);
  if (!key) return std::move(key).error().at({.file = file});
  return key;
}

std::string PublicKey::id() const { return digest_of(pem_).substr(7); }

bool PublicKey::verifies(std::string_view message, std::string_view signature) const {
  const Digest context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const auto* hash = hash_of(kind_of(held_->key));
  const bool good =
      EVP_DigestVerifyInit(context.get(), nullptr, hash, nullptr, held_->key) == 1 &&
      EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message), message.size()) == 1;
  ERR_clear_error();
  return good;
}

Result<PrivateKey> PrivateKey::parse(std::string_view pem) {
  const auto in = reader_of(pem);
  auto* key = PEM_read_bio_PrivateKey(in.get(), nullptr, &no_password, nullptr);
  ERR_clear_error();
  if (key == nullptr) {
    const bool locked = pem.find("ENCRYPTED") != std::string_view::npos;
    return Error{Code::invalid, locked ? "the private key is encrypted" : "this is no private key"}.hint(
        locked ? "give it without a password, in a file that only its owner may read: openssl pkey -in KEY -out PLAIN"
               : "give a PEM file: -----BEGIN PRIVATE KEY-----");
  }
  auto held = std::make_shared<const PublicKey::Held>(key);
  MILLRACE_TRY(auto its_public, PublicKey::of(held));
  return PrivateKey(std::move(held), std::move(its_public));
}

Result<PrivateKey> PrivateKey::load(const std::string& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return file_error("cannot open the key", file, errno);
  if ((info.st_mode & 0077) != 0)
    return Error{Code::denied, "others than its owner may use this private key"}
        .at({.file = file})
        .hint("chmod 600 " + file);
  MILLRACE_TRY(const auto pem, read_file(file, kKeyBytes));
  auto key = parse(pem);
  if (!key) return std::move(key).error().at({.file = file});
  return key;
}

Result<std::string> PrivateKey::sign(std::string_view message) const {
  const Digest context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  size_t size = 0;
  std::string out;
  bool good = EVP_DigestSignInit(context.get(), nullptr, hash_of(kind_of(held_->key)), nullptr, held_->key) == 1 &&
              EVP_DigestSign(context.get(), nullptr, &size, bytes_of(message), message.size()) == 1;
  if (good) {
    out.resize(size);
    good = EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, bytes_of(message),
                          message.size()) == 1;
    out.resize(size);
  }
  ERR_clear_error();
  if (!good) return Error{Code::internal, "the key cannot sign"};
  return out;
}

}  // namespace millrace::registry
