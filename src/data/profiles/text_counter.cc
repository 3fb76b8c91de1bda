#include "data/profiles/text_counter.h"

#include <algorithm>

#include "core/codes/utf8.h"

namespace millrace::data {

void TextCounter::add(std::string_view text) {
  if (counting_) {
    if (last_ != nullptr && last_->first == text) {
      ++last_->second;
      return;
    }
    const auto found = counts_.find(text);
    if (found != counts_.end()) {
      last_ = &*found;
      ++found->second;
      return;
    }
    measure(text);
    if (counts_.size() < kTexts && bytes_ + text.size() <= kBytes) {
      bytes_ += text.size();
      last_ = &*counts_.emplace(text, 1).first;
      return;
    }
    give_up();
  } else {
    measure(text);
  }
  distinct_.add(stats::mix(std::hash<std::string_view>()(text)));
}

void TextCounter::measure(std::string_view text) {
  const auto length = static_cast<int64_t>(count_characters(text));
  shortest_ = shortest_ < 0 ? length : std::min(shortest_, length);
  longest_ = std::max(longest_, length);
}

void TextCounter::give_up() {
  counting_ = false;
  last_ = nullptr;
  for (const auto& [text, count] : counts_) distinct_.add(stats::mix(std::hash<std::string_view>()(text)));
  counts_ = {};
}

int64_t TextCounter::distinct() const { return counting_ ? static_cast<int64_t>(counts_.size()) : distinct_.value(); }

double TextCounter::distinct_error() const { return counting_ ? 0 : distinct_.standard_error(); }

std::vector<std::pair<std::string, int64_t>> TextCounter::top(size_t most) const {
  std::vector<std::pair<std::string, int64_t>> out(counts_.begin(), counts_.end());
  const size_t kept = std::min(most, out.size());
  std::partial_sort(out.begin(), out.begin() + static_cast<int64_t>(kept), out.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  out.resize(kept);
  return out;
}

}  // namespace millrace::data
