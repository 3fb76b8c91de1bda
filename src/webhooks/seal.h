// Secrets at rest: AES-256-GCM under a key that lies in a file of its own, beside the database and not in it. Servers
// that share a database have a key each, so what is sealed begins with a word that tells whose key opens it.
#pragma once
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/result.h"

namespace millrace::webhooks {

// Immutable after load; thread-safe.
class Seal {
 public:
  // Reads the key's file, or makes it with mode 0600.
  static Result<Seal> load(const std::string& key_file, Random& random);
  static constexpr size_t kPrefix = 12;
  const std::string& prefix() const { return prefix_; }  // of all that this key has sealed: kPrefix characters
  // `of` names what the secret belongs to: sealed text opens only for the same.
  Result<std::string> close(std::string_view secret, std::string_view of, Random& random) const;
  Result<std::string> open(std::string_view sealed, std::string_view of) const;  // corrupt when it is not ours

 private:
  explicit Seal(std::string key);
  std::string key_;  // 32 bytes
  std::string prefix_;
};

std::string hmac_sha256(std::string_view key, std::string_view text);  // 32 bytes

}  // namespace millrace::webhooks
