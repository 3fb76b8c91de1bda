#include <zlib.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "traces/otlp.h"

namespace millrace::traces {
namespace {

class Inflater {
 public:
  explicit Inflater(int window) { ready_ = ::inflateInit2(&stream_, window) == Z_OK; }
  ~Inflater() {
    if (ready_) ::inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  Result<std::string> run(std::string_view bytes) {
    if (!ready_) return Error{Code::unavailable, "there is no memory to unpack the body"};
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib only reads it
    stream_.avail_in = static_cast<uInt>(bytes.size());
    std::string out;
    std::array<char, 64 << 10> piece{};
    while (true) {
      stream_.next_out = reinterpret_cast<Bytef*>(piece.data());
      stream_.avail_out = piece.size();
      const int state = ::inflate(&stream_, Z_NO_FLUSH);
      out.append(piece.data(), piece.size() - stream_.avail_out);
      if (out.size() > bounds::inflated_bytes)
        return Error{Code::too_large, fmt::format("the body unpacks to more than {} bytes", bounds::inflated_bytes)};
      if (state == Z_STREAM_END && stream_.avail_in == 0) return out;
      if (state != Z_OK || (stream_.avail_in == 0 && stream_.avail_out > 0))
        return Error{Code::invalid, "the body cannot be unpacked as its Content-Encoding says"};
    }
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

}  // namespace

Result<std::string> inflate(std::string_view bytes, std::string_view encoding) {
  if (encoding == "gzip") return Inflater(16 + MAX_WBITS).run(bytes);
  if (encoding == "deflate") {
    if (auto done = Inflater(MAX_WBITS).run(bytes)) return done;
    return Inflater(-MAX_WBITS).run(bytes);
  }
  return Error{Code::invalid, fmt::format("Unsupported Content-Encoding: {}", encoding.substr(0, 80))}.hint(
      "send gzip, deflate or no encoding");
}

Result<std::string> bytes_of_hex(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  if (text.size() % 2 != 0) return Error{Code::invalid, "an id has an odd number of hexadecimal digits"};
  std::string out;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return Error{Code::invalid, "an id is not in hexadecimal digits"};
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

}  // namespace millrace::traces
