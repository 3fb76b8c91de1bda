// Bits in a string of bytes, the highest of each byte first. Not thread-safe.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::track {

class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}
  void write(uint64_t value, unsigned bits);  // its lowest `bits`, 0 to 64
  void finish();                              // fills the last byte with zeros

 private:
  std::string& out_;
  uint64_t held_ = 0;
  unsigned count_ = 0;  // bits in held_, less than 8 between calls
};

// Reading past the end answers zeros and is remembered.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}
  uint64_t read(unsigned bits);  // 0 to 64
  bool overrun() const { return overrun_; }
  size_t left() const { return bytes_.size() * 8 - at_; }

 private:
  uint64_t word_at(size_t byte) const;

  std::string_view bytes_;
  size_t at_ = 0;
  bool overrun_ = false;
};

}  // namespace millrace::track
