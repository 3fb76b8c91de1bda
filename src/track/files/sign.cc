#include "track/files/sign.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "core/hash.h"

namespace millrace::track {
namespace {

std::string encoded(std::string_view text, bool keep_slash) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~' || (c == '/' && keep_slash);
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string hmac(std::string_view key, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  ::HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
         text.size(), out, &size);
  return {reinterpret_cast<const char*>(out), size};
}

std::string hex_digest(std::string_view text) { return digest_of(text).substr(7); }  // without "sha256:"

}  // namespace

std::string sign(const SignedAddress& address, const S3Key& key) {
  const std::time_t seconds = address.now / 1'000'000;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char time[32];
  std::strftime(time, sizeof time, "%Y%m%dT%H%M%SZ", &utc);
  const std::string day(time, 8);
  const auto scope = fmt::format("{}/{}/s3/aws4_request", day, address.region);

  auto query = address.query;
  query.emplace_back("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
  query.emplace_back("X-Amz-Credential", key.id + "/" + scope);
  query.emplace_back("X-Amz-Date", time);
  query.emplace_back("X-Amz-Expires", std::to_string(address.seconds));
  if (!key.session.empty()) query.emplace_back("X-Amz-Security-Token", key.session);
  query.emplace_back("X-Amz-SignedHeaders", "host");
  std::vector<std::string> pairs;
  for (const auto& [name, value] : query) pairs.push_back(encoded(name, false) + "=" + encoded(value, false));
  std::sort(pairs.begin(), pairs.end());
  const auto sorted = fmt::format("{}", fmt::join(pairs, "&"));

  const auto path = encoded(address.path, true);
  const auto canonical =
      fmt::format("{}\n{}\n{}\nhost:{}\n\nhost\nUNSIGNED-PAYLOAD", address.method, path, sorted, address.host);
  const auto to_sign = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", time, scope, hex_digest(canonical));
  const auto signing_key = hmac(hmac(hmac(hmac("AWS4" + key.secret, day), address.region), "s3"), "aws4_request");
  const auto signature = hmac(signing_key, to_sign);
  return fmt::format("{}://{}{}?{}&X-Amz-Signature={}", address.scheme, address.host, path, sorted,
                     to_hex(signature.data(), signature.size()));
}

}  // namespace millrace::track
