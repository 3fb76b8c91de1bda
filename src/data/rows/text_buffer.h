// Text that is read once, front to back: what was read and not yet used, in one piece. It grows only as far as one
// record needs.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/reader.h"

namespace millrace::limits {

inline constexpr size_t row_record_bytes = 16 << 20;  // of one record of text on the row engine

}  // namespace millrace::limits

namespace millrace::data {

class TextBuffer {
 public:
  static constexpr size_t kPadding = 64;  // bytes behind the text that may be read

  // `bytes` must outlive it; `label` is what errors call them. Without a byte order mark.
  TextBuffer(Reader& bytes, std::string label);

  char* begin() { return block_.data() + from_; }
  char* end() { return block_.data() + to_; }
  std::string_view rest() const { return {block_.data() + from_, to_ - from_}; }
  bool ended() const { return ended_; }
  const std::string& label() const { return label_; }

  // More text behind rest(), which may move; waits for the source. `too_large` at `line` when rest() is longer than a
  // record may be.
  Result<void> fill(int64_t line);
  // Until `c` is in rest(), or all is read.
  Result<void> fill_to(char c);
  void use(size_t bytes) { from_ += bytes; }

 private:
  Reader& bytes_;
  std::string label_;
  std::vector<char> block_;
  size_t from_ = 0, to_ = 0;
  bool ended_ = false, began_ = false;
};

}  // namespace millrace::data
