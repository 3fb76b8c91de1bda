#include "data/rows/text_buffer.h"

#include <cstring>

#include <fmt/format.h>

namespace millrace::data {
namespace {

constexpr size_t kBlock = 256 << 10;
constexpr std::string_view kMark = "\xEF\xBB\xBF";

}  // namespace

TextBuffer::TextBuffer(Reader& bytes, std::string label)
    : bytes_(bytes), label_(std::move(label)), block_(kBlock + kPadding) {}

Result<void> TextBuffer::fill(int64_t line) {
  if (rest().size() > limits::row_record_bytes)
    return Error{Code::too_large, fmt::format("a record is longer than {} bytes", limits::row_record_bytes)}
        .at({.file = label_, .line = static_cast<int>(line)})
        .hint("is a quote open, or are the lines joined?");
  if (from_ > 0) {
    std::memmove(block_.data(), block_.data() + from_, to_ - from_);
    to_ -= from_, from_ = 0;
  }
  if (to_ + kPadding == block_.size()) block_.resize(2 * block_.size());
  while (!ended_) {
    MILLRACE_TRY(const size_t got, bytes_.read(block_.data() + to_, block_.size() - kPadding - to_));
    to_ += got;
    ended_ = got == 0;
    if (began_) break;
    if (kMark.starts_with(rest().substr(0, kMark.size())) && rest().size() < kMark.size() && !ended_) continue;
    if (rest().starts_with(kMark)) from_ += kMark.size();
    began_ = true;
    break;
  }
  return {};
}

Result<void> TextBuffer::fill_to(char c) {
  size_t looked = 0;
  while (!ended_ && rest().find(c, looked) == std::string_view::npos) {
    looked = rest().size();
    MILLRACE_DO(fill(1));
  }
  return {};
}

}  // namespace millrace::data
