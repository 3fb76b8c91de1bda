#include "versions/dvc/md5.h"

#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "core/files.h"
#include "core/hash.h"

namespace millrace::versions::dvc {
namespace {

constexpr size_t kPiece = 256 << 10;

// CR LF may lie across two pieces: a CR at the end waits for the next.
std::string without_cr(std::string_view piece, bool& waiting) {
  std::string out;
  out.reserve(piece.size() + 1);
  for (const char c : piece) {
    if (waiting && c != '\n') out += '\r';
    waiting = c == '\r';
    if (!waiting) out += c;
  }
  return out;
}

}  // namespace

Result<std::string> md5_of_file(const std::string& path, Lines lines) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (!file) return file_error("cannot open", path, errno);
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> hash(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (!hash || EVP_DigestInit_ex(hash.get(), EVP_md5(), nullptr) != 1)
    return Error{Code::unsupported, "this machine's OpenSSL has no MD5"}.hint(
        "DVC names its content by MD5; allow it (OpenSSL's FIPS mode does not) and import again");
  std::string piece(kPiece, '\0');
  bool waiting = false;
  while (const size_t got = std::fread(piece.data(), 1, piece.size(), file.get())) {
    const std::string_view bytes(piece.data(), got);
    const auto unix_bytes = lines == Lines::unix_lines ? without_cr(bytes, waiting) : std::string();
    const auto taken = lines == Lines::unix_lines ? std::string_view(unix_bytes) : bytes;
    EVP_DigestUpdate(hash.get(), taken.data(), taken.size());
  }
  if (std::ferror(file.get()) != 0) return file_error("cannot read", path, errno);
  if (waiting) EVP_DigestUpdate(hash.get(), "\r", 1);
  std::array<unsigned char, 16> out{};
  EVP_DigestFinal_ex(hash.get(), out.data(), nullptr);
  return to_hex(out.data(), out.size());
}

}  // namespace millrace::versions::dvc
