#include "data/inputs/decode.h"

#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <arrow/util/compression.h>
#include <iconv.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <fmt/format.h>

#include "core/codes/utf8.h"
#include "core/files.h"

namespace millrace::data {
namespace {

constexpr size_t kBlock = 1 << 20;

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

Result<File> open(const std::string& path, const std::string& label, const char* how) {
  File file(std::fopen(path.c_str(), how), std::fclose);
  if (!file) return file_error(how[0] == 'r' ? "opening" : "writing", label, errno);
  return file;
}

// A copy that grows; the place on disk is bounded.
class Copy {
 public:
  static Result<Copy> make(const std::string& path, const std::string& label) {
    MILLRACE_TRY(auto file, open(path, label, "wbe"));
    return Copy(std::move(file), label);
  }
  Result<void> write(const char* bytes, size_t count) {
    written_ += static_cast<int64_t>(count);
    if (written_ > limits::decoded_bytes)
      return Error{Code::too_large, fmt::format("the file holds more than {} bytes", limits::decoded_bytes)}
          .at({.file = label_})
          .hint("part it, or write it as Parquet");
    if (std::fwrite(bytes, 1, count, file_.get()) != count)
      return file_error("writing a readable copy of", label_, errno);
    return {};
  }
  Result<void> close() {
    if (std::fclose(file_.release()) != 0) return file_error("writing a readable copy of", label_, errno);
    return {};
  }

 private:
  Copy(File file, std::string label) : file_(std::move(file)), label_(std::move(label)) {}
  File file_;
  std::string label_;
  int64_t written_ = 0;
};

int line_of(const std::string& path, int64_t offset) {
  const File file(std::fopen(path.c_str(), "rbe"), std::fclose);
  int line = 1;
  std::string block(kBlock, '\0');
  while (file && offset > 0) {
    const auto got =
        std::fread(block.data(), 1, std::min<size_t>(block.size(), static_cast<size_t>(offset)), file.get());
    if (got == 0) break;
    line += static_cast<int>(std::count(block.begin(), block.begin() + static_cast<int64_t>(got), '\n'));
    offset -= static_cast<int64_t>(got);
  }
  return line;
}

arrow::Compression::type codec_of(const std::string& name) {
  if (name == "gzip") return arrow::Compression::GZIP;
  if (name == "bzip2") return arrow::Compression::BZ2;
  return name == "zstd" ? arrow::Compression::ZSTD : arrow::Compression::LZ4_FRAME;
}

Error damaged(const std::string& label, const std::string& compression, int64_t at, const arrow::Status& status) {
  const bool cut =
      status.message().find("runcated") != std::string::npos || status.message().find("nd of") != std::string::npos;
  return Error{
      Code::corrupt,
      cut ? fmt::format("the {} file ends too early, after {} bytes: the rest of its rows is missing", compression, at)
          : fmt::format("the {} file is damaged at or before byte {}: {}", compression, at,
                        status.message().substr(0, 200))}
      .at({.file = label})
      .hint("copy or write the file again");
}

// iconv's state, closed whatever happens.
class Converter {
 public:
  explicit Converter(const std::string& encoding) : state_(::iconv_open("UTF-8", encoding.c_str())) {}
  ~Converter() {
    if (known()) ::iconv_close(state_);
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  bool known() const { return state_ != reinterpret_cast<iconv_t>(-1); }  // NOLINT: iconv's own way to say no
  // Moves what it can from `in` to `out`; answers errno, 0 when all of `in` was taken.
  int run(char*& in, size_t& left, char*& out, size_t& room) {
    return ::iconv(state_, &in, &left, &out, &room) == static_cast<size_t>(-1) ? errno : 0;
  }

 private:
  iconv_t state_;
};

bool plain_name(const std::string& encoding) {
  return !encoding.empty() && encoding.size() <= 40 && std::all_of(encoding.begin(), encoding.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == ':';
  });
}

}  // namespace

Result<std::string> compression_of(std::string_view head, const std::string& label) {
  const auto begins = [&](std::string_view bytes) { return head.starts_with(bytes); };
  if (begins("\x1F\x8B")) return std::string("gzip");
  if (begins("BZh") && head.size() > 4 && head.substr(4).starts_with("1AY&SY")) return std::string("bzip2");
  if (begins("\x28\xB5\x2F\xFD")) return std::string("zstd");
  if (begins("\x04\x22\x4D\x18")) return std::string("lz4");
  std::string what;
  if (begins("PK\x03\x04")) what = "a zip archive (or an Excel workbook)";
  if (begins(std::string_view("\xFD\x37zXZ\0", 6))) what = "xz";
  if (begins("7z\xBC\xAF")) what = "7z";
  if (begins("\xFF\x06")) what = begins(std::string_view("\xFF\x06\0\0sNaPpY", 10)) ? "Snappy" : "";
  if (what.empty()) return std::string();
  return Error{Code::unsupported, fmt::format("the file is packed in a way that is not read here: {}", what)}
      .at({.file = label})
      .hint("pack it with gzip, bzip2, zstd or lz4, or not at all");
}

Result<std::string> unpack(const std::string& path, const std::string& label, const std::string& compression,
                           Inputs& inputs) {
  MILLRACE_TRY(const auto target, inputs.copy_path(label, ".unpacked"));
  auto raw = arrow::io::ReadableFile::Open(path);
  if (!raw.ok()) return file_error("opening", label, errno);
  auto codec = arrow::util::Codec::Create(codec_of(compression));
  if (!codec.ok()) return Error{Code::unsupported, fmt::format("{} is not read here", compression)}.at({.file = label});
  auto stream = arrow::io::CompressedInputStream::Make(codec->get(), *raw);
  if (!stream.ok()) return damaged(label, compression, 0, stream.status());
  MILLRACE_TRY(auto copy, Copy::make(target, label));
  std::string block(kBlock, '\0');
  while (true) {
    const auto got = (*stream)->Read(static_cast<int64_t>(block.size()), block.data());
    if (!got.ok()) return damaged(label, compression, (*raw)->Tell().ValueOr(0), got.status());
    if (*got == 0) break;
    MILLRACE_DO(copy.write(block.data(), static_cast<size_t>(*got)));
  }
  MILLRACE_DO(copy.close());
  return target;
}

Result<std::string> to_utf8(const std::string& path, const std::string& label, const std::string& encoding,
                            Inputs& inputs) {
  Converter converter(plain_name(encoding) ? encoding : "none");
  if (!converter.known())
    return Error{Code::invalid, fmt::format("no encoding is called '{}'", encoding)}
        .at({.file = label})
        .hint("e.g. utf-8, utf-16, latin1, windows-1252; `iconv --list` names them all");
  MILLRACE_TRY(const auto target, inputs.copy_path(label, ".utf8"));
  MILLRACE_TRY(const auto file, open(path, label, "rbe"));
  MILLRACE_TRY(auto copy, Copy::make(target, label));
  std::string in(kBlock, '\0'), out(4 * kBlock, '\0');
  size_t kept = 0;
  int64_t before = 0;
  bool first = true;
  while (true) {
    const size_t got = std::fread(in.data() + kept, 1, in.size() - kept, file.get());
    if (std::ferror(file.get()) != 0) return file_error("reading", label, EIO);
    char* from = in.data();
    size_t left = kept + got;
    const size_t had = left;
    char* to = out.data();
    size_t room = out.size();
    const int failed = converter.run(from, left, to, room);
    std::string_view text(out.data(), out.size() - room);
    if (first && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    first = first && text.empty();
    MILLRACE_DO(copy.write(text.data(), text.size()));
    const int64_t at = before + static_cast<int64_t>(had - left);
    if (failed == EILSEQ || (got == 0 && left > 0))
      return Error{Code::corrupt,
                   fmt::format("byte {} (0x{:02x}) is no {} in {}", at + 1, static_cast<unsigned char>(*from),
                               failed == EILSEQ ? "character" : "whole character", encoding)}
          .at({.file = label})
          .hint("say another encoding, or write the file again");
    std::memmove(in.data(), from, left);
    kept = left;
    before = at;
    if (got == 0) break;
  }
  MILLRACE_DO(copy.close());
  return target;
}

Result<void> check_text(const std::string& path, const std::string& label) {
  MILLRACE_TRY(const auto file, open(path, label, "rbe"));
  std::string block(kBlock, '\0');
  size_t kept = 0;  // the begin of a character that the last block cut
  int64_t before = 0;
  while (true) {
    const size_t got = std::fread(block.data() + kept, 1, block.size() - kept, file.get());
    if (std::ferror(file.get()) != 0) return file_error("reading", label, EIO);
    const size_t have = kept + got;
    if (const void* zero = std::memchr(block.data(), 0, have)) {
      const int64_t at = before + (static_cast<const char*>(zero) - block.data());
      return Error{Code::invalid, fmt::format("the file holds a zero byte (byte {}): it is not text", at + 1)}
          .at({.file = label, .line = line_of(path, at)})
          .hint("batches are CSV (UTF-8) or Parquet files, JSON lines or Arrow; for UTF-16 say --encoding utf-16le");
    }
    size_t whole = have;
    if (got > 0)  // at most three bytes of a character can stand at the end
      while (whole > 0 && have - whole < 3 && (block[whole - 1] & 0xC0) == 0x80) --whole;
    if (got > 0 && whole > 0 && (block[whole - 1] & 0xC0) == 0xC0)
      --whole;
    else
      whole = have;
    if (!simdjson::validate_utf8(block.data(), whole)) {
      const size_t bad = first_bad_utf8({block.data(), whole});
      const int64_t at = before + static_cast<int64_t>(bad);
      return Error{Code::invalid, fmt::format("the file is not UTF-8: byte {} is 0x{:02x}", at + 1,
                                              static_cast<unsigned char>(block[bad]))}
          .at({.file = label, .line = line_of(path, at)})
          .hint("say its encoding (--encoding latin1), or save the file as UTF-8");
    }
    if (got == 0) return {};
    kept = have - whole;
    std::memmove(block.data(), block.data() + whole, kept);
    before += static_cast<int64_t>(whole);
  }
}

}  // namespace millrace::data
