#include "api/grpc/module/messages.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "core/limits.h"

namespace millrace::api::rpc {
namespace {

constexpr size_t kFirst = 1 << 20;  // reserved on the word of a prefix

}  // namespace

Result<std::optional<std::string>> MessageReader::read(std::string_view& bytes) {
  while (have_ < kPrefix) {
    if (bytes.empty()) return std::optional<std::string>();
    prefix_[have_++] = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    if (have_ < kPrefix) continue;
    if (prefix_[0] != 0)
      return Error{Code::unsupported, "the message is compressed, which is disabled here"}.hint("send it as it is");
    size_ = size_t{prefix_[1]} << 24 | size_t{prefix_[2]} << 16 | size_t{prefix_[3]} << 8 | prefix_[4];
    if (size_ > limits::inference_body_bytes)
      return Error{Code::too_large,
                   fmt::format("the message has {} bytes, the limit is {}", size_, limits::inference_body_bytes)}
          .hint("send fewer rows at a time");
    message_.reserve(std::min(size_, kFirst));
  }
  const size_t piece = std::min(size_ - message_.size(), bytes.size());
  message_.append(bytes.substr(0, piece));
  bytes.remove_prefix(piece);
  if (message_.size() < size_) return std::optional<std::string>();
  have_ = 0;
  return std::optional(std::exchange(message_, {}));
}

void set_prefix(std::string& out, size_t at) {
  const size_t size = out.size() - at - kPrefix;
  out[at] = 0;
  for (size_t i = 0; i < 4; ++i) out[at + 1 + i] = static_cast<char>(size >> (24 - 8 * i));
}

std::optional<int64_t> read_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  int64_t value = 0;
  const char* const unit = text.data() + text.size() - 1;
  if (const auto [end, bad] = std::from_chars(text.data(), unit, value); bad != std::errc() || end != unit || value < 0)
    return std::nullopt;
  switch (*unit) {
    case 'H': return value * 3'600'000'000;
    case 'M': return value * 60'000'000;
    case 'S': return value * 1'000'000;
    case 'm': return value * 1'000;
    case 'u': return value;
    case 'n': return value / 1'000;
    default: return std::nullopt;
  }
}

}  // namespace millrace::api::rpc
