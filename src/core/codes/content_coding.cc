#include "core/codes/content_coding.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace millrace {
namespace {

constexpr int kGzip = 16 + MAX_WBITS, kZlib = MAX_WBITS, kBare = -MAX_WBITS;  // zlib's windowBits
constexpr size_t kPiece = 64 << 10;

class Inflater {
 public:
  explicit Inflater(int window) { ready_ = ::inflateInit2(&stream_, window) == Z_OK; }
  ~Inflater() {
    if (ready_) ::inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  Result<std::string> run(std::string_view bytes, size_t limit, size_t room) {
    if (!ready_) return Error{Code::unavailable, "there is no memory to unpack the body"};
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib only reads it
    stream_.avail_in = static_cast<uInt>(bytes.size());
    std::string out;
    out.reserve(std::min(limit, 4 * bytes.size()) + room);
    std::array<char, kPiece> piece;
    while (true) {
      stream_.next_out = reinterpret_cast<Bytef*>(piece.data());
      stream_.avail_out = piece.size();
      const int state = ::inflate(&stream_, Z_NO_FLUSH);
      out.append(piece.data(), piece.size() - stream_.avail_out);
      if (out.size() > limit)
        return Error{Code::too_large, fmt::format("the body unpacks to more than {} bytes", limit)};
      if (state == Z_STREAM_END && stream_.avail_in == 0) break;
      if (state != Z_OK || (stream_.avail_in == 0 && stream_.avail_out > 0))
        return Error{Code::invalid, "the body cannot be unpacked as its Content-Encoding says"};
    }
    out.reserve(out.size() + room);
    return out;
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

bool same(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

// Thousandths; nothing: not a weight.
std::optional<int> weight_of(std::string_view parameters) {
  if (parameters.empty()) return 1000;
  const auto equals = parameters.find('=');
  if (equals == std::string_view::npos || !same(trimmed(parameters.substr(0, equals)), "q")) return std::nullopt;
  const auto text = trimmed(parameters.substr(equals + 1));
  double weight = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), weight, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size() || weight < 0 || weight > 1) return std::nullopt;
  return static_cast<int>(weight * 1000 + 0.5);
}

}  // namespace

std::string_view name_of(Coding coding) {
  constexpr std::string_view kNames[] = {"identity", "gzip", "deflate"};
  return kNames[static_cast<size_t>(coding)];
}

Result<Coding> parse_coding(std::string_view text) {
  text = trimmed(text);
  if (text.empty() || same(text, "identity")) return Coding::identity;
  if (same(text, "gzip") || same(text, "x-gzip")) return Coding::gzip;
  if (same(text, "deflate")) return Coding::deflate;
  return Error{Code::invalid, fmt::format("Content-Encoding '{}' is not read", text.substr(0, 80))}
      .at_field("Content-Encoding")
      .hint("send gzip, deflate, or the body as it is");
}

Result<std::string> decode(Coding coding, std::string_view bytes, size_t limit, size_t room) {
  if (coding == Coding::gzip) return Inflater(kGzip).run(bytes, limit, room);
  if (coding == Coding::deflate) {
    auto with_head = Inflater(kZlib).run(bytes, limit, room);
    if (with_head || with_head.error().code() != Code::invalid) return with_head;
    return Inflater(kBare).run(bytes, limit, room);
  }
  if (bytes.size() > limit) return Error{Code::too_large, fmt::format("the body has more than {} bytes", limit)};
  std::string out;
  out.reserve(bytes.size() + room);
  out = bytes;
  return out;
}

std::optional<std::string> encode(Coding coding, std::string_view bytes) {
  if (coding == Coding::identity) return std::string(bytes);
  z_stream stream{};
  if (::deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, coding == Coding::gzip ? kGzip : kZlib, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
    return std::nullopt;
  std::string out(::deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib only reads it
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool done = ::deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return done ? std::optional(std::move(out)) : std::nullopt;
}

int weight_of_coding(std::string_view accept, std::string_view wanted) {
  std::optional<int> named, others;
  while (!accept.empty()) {
    const auto comma = std::min(accept.find(','), accept.size());
    const auto entry = trimmed(accept.substr(0, comma));
    accept.remove_prefix(std::min(comma + 1, accept.size()));
    const auto semicolon = std::min(entry.find(';'), entry.size());
    const auto name = trimmed(entry.substr(0, semicolon));
    const auto weight = weight_of(entry.substr(std::min(semicolon + 1, entry.size())));
    if (!weight) continue;
    if (same(name, wanted) || (wanted == "gzip" && same(name, "x-gzip"))) named = weight;
    if (name == "*") others = weight;
  }
  return named.value_or(others.value_or(0));
}

Coding best_coding(std::string_view accept) {
  const int for_gzip = weight_of_coding(accept, "gzip"), for_deflate = weight_of_coding(accept, "deflate");
  if (for_gzip > 0 && for_gzip >= for_deflate) return Coding::gzip;
  return for_deflate > 0 ? Coding::deflate : Coding::identity;
}

}  // namespace millrace
