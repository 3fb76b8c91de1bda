#include "track/points/bits.h"

#include <cstring>

namespace millrace::track {
namespace {

constexpr unsigned kAtOnce = 56;  // with up to 7 bits of a byte that is begun, still within a word

}  // namespace

void BitWriter::write(uint64_t value, unsigned bits) {
  if (bits > kAtOnce) {
    write(value >> kAtOnce, bits - kAtOnce);
    bits = kAtOnce;
  }
  if (bits == 0) return;
  held_ = held_ << bits | (value & (~uint64_t{0} >> (64 - bits)));
  for (count_ += bits; count_ >= 8; count_ -= 8) out_ += static_cast<char>(held_ >> (count_ - 8) & 0xff);
}

void BitWriter::finish() {
  if (count_ > 0) write(0, 8 - count_);
}

uint64_t BitReader::word_at(size_t byte) const {
  unsigned char part[8] = {};
  std::memcpy(part, bytes_.data() + byte, std::min<size_t>(8, bytes_.size() - byte));
  uint64_t word = 0;
  std::memcpy(&word, part, 8);
  return __builtin_bswap64(word);  // every machine that we build for is little-endian
}

uint64_t BitReader::read(unsigned bits) {
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

}  // namespace millrace::track
