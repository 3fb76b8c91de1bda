// Keys that sign models: PEM files with ECDSA on P-256, P-384 or P-521 (hashed with SHA-256, -384, -512) or Ed25519.
// Own keys, no certificates, no network.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"

namespace millrace::registry {

class PublicKey {
 public:
  // SubjectPublicKeyInfo as PEM. `invalid` when it is no such text, `unsupported` for another kind of key.
  static Result<PublicKey> parse(std::string_view pem);
  static Result<PublicKey> load(const std::string& file);

  bool verifies(std::string_view message, std::string_view signature) const;
  const std::string& pem() const { return pem_; }  // in OpenSSL's own spelling
  std::string id() const;                          // SHA-256 of pem() as 64 hexadecimal digits

 private:
  friend class PrivateKey;
  struct Held;
  explicit PublicKey(std::shared_ptr<const Held> held, std::string pem)
      : held_(std::move(held)), pem_(std::move(pem)) {}
  static Result<PublicKey> of(std::shared_ptr<const Held> held);
  std::shared_ptr<const Held> held_;
  std::string pem_;
};

class PrivateKey {
 public:
  // PEM, not encrypted. `denied` when the file can be read by others than its owner.
  static Result<PrivateKey> parse(std::string_view pem);
  static Result<PrivateKey> load(const std::string& file);

  Result<std::string> sign(std::string_view message) const;
  const PublicKey& public_key() const { return public_key_; }

 private:
  explicit PrivateKey(std::shared_ptr<const PublicKey::Held> held, PublicKey key)
      : held_(std::move(held)), public_key_(std::move(key)) {}
  std::shared_ptr<const PublicKey::Held> held_;
  PublicKey public_key_;
};

}  // namespace millrace::registry
