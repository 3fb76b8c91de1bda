// SHA-256 everywhere. Content is named "sha256:<64 hexadecimal digits>".
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace millrace {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(const void* bytes, size_t size);
  void update(std::string_view text) { update(text.data(), text.size()); }
  std::string digest();  // "sha256:<hex>"; ends this object's use

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string to_hex(const void* bytes, size_t size);
std::string digest_of(std::string_view bytes);
Result<std::string> digest_of_file(const std::string& path);
bool is_digest(std::string_view text);

// A tree is the digest of its canonical JSON manifest, sorted by path: [{"digest":..,"path":..,"size":..}, ...].
struct TreeEntry {
  std::string path;
  int64_t size = 0;
  std::string digest;
};
std::string tree_manifest(std::vector<TreeEntry> entries);
std::string digest_of_tree(std::vector<TreeEntry> entries);

}  // namespace millrace
