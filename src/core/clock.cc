#include "core/clock.h"

#include <openssl/rand.h>

#include <charconv>
#include <chrono>
#include <cstring>

#include <fmt/format.h>

namespace millrace {
namespace {

class SystemClock final : public Clock {
 public:
  Micros now() const override { return since_epoch(std::chrono::system_clock::now()); }
  Micros steady() const override { return since_epoch(std::chrono::steady_clock::now()); }

 private:
  template <class TimePoint>
  static Micros since_epoch(TimePoint at) {
    return std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
  }
};

class SystemRandom final : public Random {
 public:
  void fill(void* bytes, size_t size) override {
    if (size > kSmall) return draw(bytes, size);
    // Ids are many and a draw is dear. What was given out is wiped.
    thread_local Pool pool;
    if (pool.left < size) draw(pool.bytes, sizeof pool.bytes), pool.left = sizeof pool.bytes;
    auto* from = pool.bytes + (pool.left -= size);
    std::memcpy(bytes, from, size);
    std::memset(from, 0, size);
  }

 private:
  static constexpr size_t kSmall = 16;  // ids; secrets are longer
  struct Pool {
    unsigned char bytes[512];
    size_t left = 0;
  };
  static void draw(void* bytes, size_t size) {
    // Without entropy no id or token is safe: that is the end of the process, not an error to handle.
    if (RAND_bytes(static_cast<unsigned char*>(bytes), static_cast<int>(size)) != 1) std::abort();
  }
};

bool digits(std::string_view text, size_t from, size_t count, int& out) {
  if (from + count > text.size()) return false;
  const auto* first = text.data() + from;
  const auto [end, error] = std::from_chars(first, first + count, out);
  return error == std::errc() && end == first + count && *first != '-';
}

// Reads "Z", "+hh:mm" or "-hh:mm" at `from`; answers the offset in minutes.
std::optional<int> zone_minutes(std::string_view text, size_t from) {
  if (from == text.size()) return 0;
  if (text[from] == 'Z') return from + 1 == text.size() ? std::optional(0) : std::nullopt;
  int hours = 0, minutes = 0;
  if ((text[from] != '+' && text[from] != '-') || text.size() != from + 6 || text[from + 3] != ':') return std::nullopt;
  if (!digits(text, from + 1, 2, hours) || !digits(text, from + 4, 2, minutes)) return std::nullopt;
  if (hours > 23 || minutes > 59) return std::nullopt;
  const int total = hours * 60 + minutes;
  return text[from] == '-' ? -total : total;
}

}  // namespace

uint64_t Random::next() {
  uint64_t value = 0;
  fill(&value, sizeof value);
  return value;
}

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

Random& system_random() {
  static SystemRandom random;
  return random;
}

void SeededRandom::fill(void* bytes, size_t size) {
  auto* out = static_cast<unsigned char*>(bytes);
  while (size > 0) {  // splitmix64
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    z ^= z >> 31;
    const size_t part = size < sizeof z ? size : sizeof z;
    std::memcpy(out, &z, part);
    out += part;
    size -= part;
  }
}

std::string to_iso(Micros time) {
  using namespace std::chrono;
  const sys_time<microseconds> at{microseconds{time}};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss clock{at - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

Result<Micros> parse_time(std::string_view text) {
  using namespace std::chrono;
  const auto bad = [&] {
    return Error{Code::invalid, fmt::format("'{}' is not a time", text.substr(0, 64))}.hint(
        "write 2013-07-01, 2013-07-01T05:00:00Z or 2013-07-01T05:00:00.5+02:00");
  };
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  if (!digits(text, 0, 4, y) || text.size() < 10 || text[4] != '-' || text[7] != '-' || !digits(text, 5, 2, mo) ||
      !digits(text, 8, 2, d))
    return bad();
  const year_month_day date{year{y}, month{static_cast<unsigned>(mo)}, day{static_cast<unsigned>(d)}};
  if (!date.ok()) return bad();
  Micros out = duration_cast<microseconds>(sys_days{date}.time_since_epoch()).count();
  if (text.size() == 10) return out;
  if ((text[10] != 'T' && text[10] != ' ') || !digits(text, 11, 2, h) || text.size() < 16 || text[13] != ':' ||
      !digits(text, 14, 2, mi))
    return bad();
  size_t at = 16;
  if (at < text.size() && text[at] == ':') {
    if (!digits(text, 17, 2, s)) return bad();
    at = 19;
  }
  Micros fraction = 0;
  if (at == 19 && at < text.size() && text[at] == '.') {
    Micros unit = 100'000;
    size_t count = 0;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++count) {
      fraction += (text[at] - '0') * unit;
      unit /= 10;
    }
    if (count == 0 || count > 9) return bad();
  }
  const auto zone = zone_minutes(text, at);
  if (!zone || h > 23 || mi > 59 || s > 59) return bad();
  return out + ((h * 60 + mi - *zone) * 60LL + s) * 1'000'000 + fraction;
}

}  // namespace millrace
