// How often keys stand again, from 64 bits of each: no hash twice, no key twice, for certain. Hashes that do stand
// twice are named, so that the few rows that have them can be compared themselves.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace millrace::data {

class KeyCounter {
 public:
  static constexpr size_t kKeys = size_t{1} << 27;      // 1 GiB of hashes
  static constexpr size_t kRepeated = size_t{1} << 14;  // what is named

  void add(uint64_t hash) {
    if (full_) return;
    auto& part = parts_[hash >> 56];
    if (part.size() == part.capacity()) part.reserve(part.size() + part.size() / 4 + 64);
    part.push_back(hash);
    if (++count_ >= kKeys) give_up();
  }
  // Each once. Nothing when there were too many keys, or too many of them stand again: ask otherwise. Ends the use.
  std::optional<std::vector<uint64_t>> repeated();

 private:
  void give_up();

  // By the first byte: parts that are sorted in a processor's cache, and grow without copies of the whole.
  std::array<std::vector<uint64_t>, 256> parts_;
  size_t count_ = 0;
  bool full_ = false;
};

}  // namespace millrace::data
