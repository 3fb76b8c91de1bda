#include "data/profiles/key_counter.h"

#include <algorithm>

namespace millrace::data {

void KeyCounter::give_up() {
  full_ = true;
  parts_ = {};
}

std::optional<std::vector<uint64_t>> KeyCounter::repeated() {
  if (full_) return std::nullopt;
  std::vector<uint64_t> out;
  for (auto& part : parts_) {
    std::sort(part.begin(), part.end());
    for (size_t i = 1; i < part.size(); ++i)
      if (part[i] == part[i - 1] && (out.empty() || out.back() != part[i])) out.push_back(part[i]);
    part = {};
    if (out.size() > kRepeated) return std::nullopt;
  }
  return out;
}

}  // namespace millrace::data
