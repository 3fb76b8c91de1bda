#include "data/rows/byte_source.h"

#include <fcntl.h>
#include <simdjson.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "core/codes/utf8.h"
#include "core/files.h"

namespace millrace::data {
namespace {

// How many bytes at the end begin a character that is not whole.
size_t cut_bytes(std::string_view text) {
  for (size_t back = 1; back <= std::min<size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;
    const size_t wanted = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return wanted > back ? back : 0;
  }
  return 0;
}

}  // namespace

Result<std::unique_ptr<DescriptorReader>> DescriptorReader::open(const std::string& path, const std::string& label) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return file_error("opening", label, errno);
  auto reader = std::make_unique<DescriptorReader>(descriptor, label);
  reader->owned_ = true;
  return reader;
}

DescriptorReader::~DescriptorReader() {
  if (owned_) ::close(descriptor_);
}

Result<size_t> DescriptorReader::read(char* to, size_t room) {
  while (true) {
    const auto got = ::read(descriptor_, to, room);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno != EINTR) return file_error("reading", label_, errno);
  }
}

Result<size_t> CheckedText::read(char* to, size_t room) {
  MILLRACE_TRY(const size_t got, bytes_.read(to, room));
  if (got == 0) {
    if (!cut_.empty()) MILLRACE_DO(check(cut_));
    return got;
  }
  const std::string_view text(to, got);
  if (cut_.empty()) {
    const auto whole = text.substr(0, got - cut_bytes(text));
    MILLRACE_DO(check(whole));
    cut_ = text.substr(whole.size());
    before_ += static_cast<int64_t>(whole.size());
    line_ += static_cast<int>(std::count(whole.begin(), whole.end(), '\n'));
    return got;
  }
  std::string joined = cut_ + std::string(text);
  const size_t whole = joined.size() - cut_bytes(joined);
  MILLRACE_DO(check(std::string_view(joined).substr(0, whole)));
  before_ += static_cast<int64_t>(whole);
  line_ += static_cast<int>(std::count(joined.begin(), joined.begin() + static_cast<int64_t>(whole), '\n'));
  cut_ = joined.substr(whole);
  return got;
}

Result<void> CheckedText::check(std::string_view text) const {
  size_t bad = text.find('\0');
  const bool zero = bad != std::string_view::npos;
  if (!zero && simdjson::validate_utf8(text.data(), text.size())) return {};
  if (!zero) bad = first_bad_utf8(text);
  const int line = line_ + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<int64_t>(bad), '\n'));
  const auto at = before_ + static_cast<int64_t>(bad) + 1;
  return Error{Code::invalid, zero ? fmt::format("{} holds a zero byte (byte {}): it is not text", label_, at)
                                   : fmt::format("{} is not UTF-8: byte {} is 0x{:02x}", label_, at,
                                                 static_cast<unsigned char>(text[bad]))}
      .at({.file = label_, .line = line})
      .hint("rows come as CSV or JSON lines in UTF-8; convert them before, e.g. with iconv");
}

}  // namespace millrace::data
