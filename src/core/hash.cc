#include "core/hash.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "core/files.h"
#include "core/json.h"

namespace millrace {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() {
    if (context == nullptr || EVP_DigestInit_ex(context, EVP_sha256(), nullptr) != 1) std::abort();
  }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(const void* bytes, size_t size) {
  if (EVP_DigestUpdate(state_->context, bytes, size) != 1) std::abort();
}

std::string Sha256::digest() {
  std::array<unsigned char, 32> out{};
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(state_->context, out.data(), &size) != 1) std::abort();
  return "sha256:" + to_hex(out.data(), out.size());
}

std::string to_hex(const void* bytes, size_t size) {
  static constexpr char digits[] = "0123456789abcdef";
  const auto* in = static_cast<const unsigned char*>(bytes);
  std::string out(size * 2, '0');
  for (size_t i = 0; i < size; ++i) {
    out[2 * i] = digits[in[i] >> 4];
    out[2 * i + 1] = digits[in[i] & 15];
  }
  return out;
}

std::string digest_of(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.digest();
}

Result<std::string> digest_of_file(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (!file) return file_error("cannot open", path, errno);
  Sha256 hash;
  std::vector<char> buffer(1 << 18);
  for (size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), file.get())) > 0;)
    hash.update(buffer.data(), got);
  if (std::ferror(file.get())) return file_error("cannot read", path, errno);
  return hash.digest();
}

bool is_digest(std::string_view text) {
  if (text.size() != 71 || text.substr(0, 7) != "sha256:") return false;
  return text.find_first_not_of("0123456789abcdef", 7) == std::string_view::npos;
}

std::string tree_manifest(std::vector<TreeEntry> entries) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  Json manifest = Json::array();
  for (const auto& entry : entries)
    manifest.push_back({{"path", entry.path}, {"size", entry.size}, {"digest", entry.digest}});
  return to_text(manifest);
}

std::string digest_of_tree(std::vector<TreeEntry> entries) { return digest_of(tree_manifest(std::move(entries))); }

}  // namespace millrace
