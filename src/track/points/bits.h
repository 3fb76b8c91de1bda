// Bits in a string of bytes, the highest of each byte first. Not thread-safe. Here whole, because every point of every
// metric passes through these lines several times.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace millrace::track {

// What it holds is in the string only after finish().
class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}

  // The lowest `bits` of value, 0 to 64.
  void write(uint64_t value, unsigned bits) {
    if (bits == 0) return;
    value &= ~uint64_t{0} >> (64 - bits);
    const unsigned room = 64 - count_;
    if (bits < room) {
      held_ |= value << (room - bits);
      count_ += bits;
      return;
    }
    held_ |= value >> (bits - room);
    put(8);
    count_ = bits - room;
    held_ = count_ == 0 ? 0 : value << (64 - count_);
  }

  // Fills the last byte with zeros.
  void finish() {
    put((count_ + 7) / 8);
    held_ = count_ = 0;
  }

 private:
  void put(size_t bytes) {
    char part[8];
    const auto word = __builtin_bswap64(held_);  // every machine that we build for is little-endian
    std::memcpy(part, &word, sizeof part);
    out_.append(part, bytes);
  }

  std::string& out_;
  uint64_t held_ = 0;  // the bits that come next, from the highest on
  unsigned count_ = 0;
};

// Reading past the end answers zeros and is remembered.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}

  // 0 to 64 bits.
  uint64_t read(unsigned bits) {
    if (bits > left()) {
      overrun_ = true;
      at_ = bytes_.size() * 8;
      return 0;
    }
    if (bits == 0) return 0;
    if (bits > kAtOnce) {
      const auto high = read(bits - kAtOnce);
      return high << kAtOnce | read(kAtOnce);
    }
    const auto word = word_at(at_ / 8) << (at_ % 8);
    at_ += bits;
    return word >> (64 - bits);
  }
  bool overrun() const { return overrun_; }
  size_t left() const { return bytes_.size() * 8 - at_; }

 private:
  static constexpr unsigned kAtOnce = 56;  // with up to 7 bits of a byte that is begun, still within a word

  uint64_t word_at(size_t byte) const {
    uint64_t word = 0;
    if (byte + 8 <= bytes_.size())
      std::memcpy(&word, bytes_.data() + byte, 8);
    else
      std::memcpy(&word, bytes_.data() + byte, bytes_.size() - byte);
    return __builtin_bswap64(word);
  }

  std::string_view bytes_;
  size_t at_ = 0;
  bool overrun_ = false;
};

}  // namespace millrace::track
