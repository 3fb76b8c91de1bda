#include "track/points/codec.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/codes/crc32c.h"
#include "track/points/bits.h"

namespace millrace::track {
namespace {

constexpr char kVersion = 1;
constexpr size_t kChecksum = 4;

Error corrupt(std::string_view what) {
  return Error{Code::corrupt, "a chunk of metric points is damaged: " + std::string(what)}.hint(
      "restore the store from a backup; other metrics are not touched by this");
}

void put_number(std::string& out, uint64_t number) {
  for (; number >= 0x80; number >>= 7) out += static_cast<char>(number | 0x80);
  out += static_cast<char>(number);
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out += text;
}

// The lengths of stretches of points with the same property: first that of `first`, then of what follows it.
template <class Property>
void put_stretches(std::string& out, const std::vector<Point>& points, Property property) {
  for (size_t at = 0; at < points.size();) {
    size_t end = at;
    while (end < points.size() && property(points[end]) == property(points[at])) ++end;
    put_number(out, property(points[at]));
    put_number(out, end - at);
    at = end;
  }
}

uint64_t zigzag(uint64_t number) { return number << 1 ^ (number >> 63 == 0 ? 0 : ~uint64_t{0}); }
uint64_t unzigzag(uint64_t number) { return number >> 1 ^ ((number & 1) == 0 ? 0 : ~uint64_t{0}); }

// Differences of differences by size: n ones and a zero (after the last none) say which.
constexpr unsigned kWidths[] = {0, 7, 12, 20, 32, 64};
constexpr unsigned kLastWidth = std::size(kWidths) - 1;

void put_differences(BitWriter& out, const std::vector<Point>& points, int64_t Point::*column) {
  uint64_t last = 0, difference = 0;  // unsigned: every step is undone modulo 2^64
  for (const auto& point : points) {
    const auto now = static_cast<uint64_t>(point.*column);
    const auto number = zigzag(now - last - difference);
    unsigned width = 0;
    while (width < kLastWidth && number >> kWidths[width] != 0) ++width;
    out.write(~uint64_t{0}, width);
    if (width < kLastWidth) out.write(0, 1);
    out.write(number, kWidths[width]);
    difference = now - last;
    last = now;
  }
}

void take_differences(BitReader& in, std::vector<Point>& points, int64_t Point::*column) {
  uint64_t last = 0, difference = 0;
  for (auto& point : points) {
    unsigned width = 0;
    while (width < kLastWidth && in.read(1) == 1) ++width;
    difference += unzigzag(in.read(kWidths[width]));
    last += difference;
    point.*column = static_cast<int64_t>(last);
  }
}

// The bits of an XOR that differ lie between `leading` and `trailing` zeros.
struct Window {
  unsigned leading = 0, trailing = 0;
  unsigned width() const { return 64 - leading - trailing; }
};

void put_values(BitWriter& out, const std::vector<Point>& points) {
  uint64_t last = 0;
  Window window;
  bool has_window = false;
  for (const auto& point : points) {
    const auto now = std::bit_cast<uint64_t>(point.value);
    const auto changed = now ^ last;
    last = now;
    if (changed == 0) {
      out.write(0, 1);
      continue;
    }
    const Window fits{static_cast<unsigned>(std::countl_zero(changed)),
                      static_cast<unsigned>(std::countr_zero(changed))};
    // A new window costs 12 bits more than the one before it.
    if (has_window && fits.leading >= window.leading && fits.trailing >= window.trailing &&
        window.width() <= fits.width() + 12) {
      out.write(0b10, 2);
    } else {
      window = fits;
      has_window = true;
      out.write(0b11, 2);
      out.write(window.leading, 6);
      out.write(window.width() - 1, 6);
    }
    out.write(changed >> window.trailing, window.width());
  }
}

bool take_values(BitReader& in, std::vector<Point>& points) {
  uint64_t last = 0;
  Window window;
  for (auto& point : points) {
    if (in.read(1) == 1) {
      if (in.read(1) == 1) {
        window.leading = static_cast<unsigned>(in.read(6));
        const auto width = static_cast<unsigned>(in.read(6)) + 1;
        if (window.leading + width > 64) return false;
        window.trailing = 64 - window.leading - width;
      }
      last ^= in.read(window.width()) << window.trailing;
    }
    point.value = std::bit_cast<double>(last);
  }
  return true;
}

// The part of a chunk before its bit columns.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  bool failed() const { return failed_; }
  std::string_view rest() const { return bytes_; }

  uint64_t number() {
    uint64_t out = 0;
    for (unsigned shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      out |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return out;
    }
    failed_ = true;
    return 0;
  }

  std::string text() {
    const auto size = number();
    if (size > bytes_.size()) failed_ = true;
    if (failed_) return "";
    std::string out(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return out;
  }

  // Hands each point's property, each at most `most`, to `take`.
  template <class Take>
  void stretches(std::vector<Point>& points, uint64_t most, Take take) {
    for (size_t at = 0; at < points.size() && !failed_;) {
      const auto property = number();
      const auto length = number();
      if (failed_ || property > most || length == 0 || length > points.size() - at) {
        failed_ = true;
        return;
      }
      for (const auto end = at + length; at < end; ++at) take(points[at], property);
    }
  }

 private:
  std::string_view bytes_;
  bool failed_ = false;
};

bool is_sound(const std::vector<Point>& points) {
  for (size_t i = 0; i < points.size(); ++i) {
    if (!std::isfinite(points[i].value) || (points[i].is_nan && points[i].value != 0)) return false;
    if (i > 0 && !before(points[i - 1], points[i])) return false;
  }
  return true;
}

}  // namespace

std::string encode(const Points& points) {
  std::string out(1, kVersion);
  out.reserve(64 + points.size() * 10);
  put_number(out, points.size());
  put_number(out, points.origins.size() - 1);
  for (size_t i = 1; i < points.origins.size(); ++i) {
    put_text(out, points.origins[i].model_id);
    put_text(out, points.origins[i].dataset_name);
    put_text(out, points.origins[i].dataset_digest);
  }
  put_stretches(out, points.points, [](const Point& point) { return uint64_t{point.origin}; });
  put_stretches(out, points.points, [](const Point& point) { return uint64_t{point.is_nan}; });
  BitWriter bits(out);
  put_differences(bits, points.points, &Point::timestamp);
  put_differences(bits, points.points, &Point::step);
  put_values(bits, points.points);
  bits.finish();
  const auto sum = crc32c(out);
  for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>(sum >> shift & 0xff);
  return out;
}

Result<Points> decode(std::string_view bytes) {
  if (bytes.size() <= kChecksum) return corrupt("it is cut short");
  uint32_t sum = 0;
  for (size_t i = 0; i < kChecksum; ++i)
    sum |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[bytes.size() - kChecksum + i])) << (8 * i);
  bytes.remove_suffix(kChecksum);
  if (crc32c(bytes) != sum) return corrupt("its checksum does not fit");
  if (bytes.front() != kVersion) return corrupt("its version is unknown");
  Reader in(bytes.substr(1));
  const auto count = in.number();
  if (in.failed() || count == 0 || count > kChunkPoints) return corrupt("it counts no points, or too many");
  const auto origins = in.number();
  if (in.failed() || origins > count) return corrupt("it counts too many origins");
  Points out;
  for (uint64_t i = 0; i < origins && !in.failed(); ++i) {
    Origin origin{.model_id = in.text(), .dataset_name = "", .dataset_digest = ""};
    origin.dataset_name = in.text();
    origin.dataset_digest = in.text();
    out.origins.push_back(std::move(origin));
  }
  out.points.resize(count);
  in.stretches(out.points, origins, [](Point& p, uint64_t origin) { p.origin = static_cast<uint32_t>(origin); });
  in.stretches(out.points, 1, [](Point& p, uint64_t is_nan) { p.is_nan = is_nan == 1; });
  if (in.failed()) return corrupt("its head is cut short");
  BitReader bits(in.rest());
  take_differences(bits, out.points, &Point::timestamp);
  take_differences(bits, out.points, &Point::step);
  const bool windows_fit = take_values(bits, out.points);
  if (!windows_fit || bits.overrun() || bits.left() >= 8) return corrupt("its columns do not fit its head");
  if (!is_sound(out.points)) return corrupt("its points are out of order or no numbers");
  return out;
}

}  // namespace millrace::track
