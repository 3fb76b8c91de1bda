#include "pipeline/definition/words.h"

#include <fmt/format.h>

#include "pipeline/bounds.h"

namespace millrace::pipeline {
namespace {

constexpr std::string_view kShellOnly = "|&;<>()$`*?";

class Splitter {
 public:
  explicit Splitter(std::string_view line) : line_(line) {}

  Result<std::vector<std::string>> words() {
    while (at_ < line_.size()) {
      MILLRACE_DO(take(line_[at_++]));
      if (words_.size() > bounds::words) return too_many();
    }
    if (quote_ != 0)
      return Error{Code::invalid, fmt::format("the quote {} is not closed in '{}'", quote_, line_)}.hint(
          "close it, or write the command as a list of words");
    finish();
    return words_;
  }

 private:
  Result<void> take(char c) {
    if (c == '\0') return Error{Code::invalid, "a command holds a NUL byte"};
    if (quote_ == '\'') return c == '\'' ? unquote() : add(c);
    if (c == '\\') return escape();
    if (quote_ == '"') return c == '"' ? unquote() : expanded(c);
    if (c == '\'' || c == '"') return quote_ = c, inside_ = true, Result<void>{};
    if (c == ' ' || c == '\t' || c == '\n') return finish(), Result<void>{};
    if (kShellOnly.find(c) != std::string_view::npos) return refuse(c);
    return add(c);
  }

  Result<void> expanded(char c) { return c == '$' || c == '`' ? refuse(c) : add(c); }

  Result<void> escape() {
    if (at_ == line_.size()) return Error{Code::invalid, fmt::format("nothing follows the last \\ of '{}'", line_)};
    const char next = line_[at_++];
    // Between double quotes only these are special; the backslash before others stands for itself.
    if (quote_ == '"' && next != '"' && next != '\\' && next != '$' && next != '`') MILLRACE_DO(add('\\'));
    return add(next);
  }

  Result<void> refuse(char c) const {
    return Error{Code::invalid, fmt::format("'{}' in '{}' needs a shell, and commands run without one", c, line_)}.hint(
        "quote it, or name the shell: [sh, -c, '...']");
  }

  static Result<std::vector<std::string>> too_many() {
    return Error{Code::too_large, fmt::format("a command has more than {} words", bounds::words)}.hint(
        "put the arguments into params or a file");
  }

  Result<void> unquote() {
    quote_ = 0;
    return {};
  }

  Result<void> add(char c) {
    inside_ = true;
    word_ += c;
    if (word_.size() > bounds::word_bytes)
      return Error{Code::too_large, fmt::format("a word of a command is longer than {} bytes", bounds::word_bytes)};
    return {};
  }

  void finish() {
    if (inside_) words_.push_back(std::move(word_));
    word_.clear();
    inside_ = false;
  }

  std::string_view line_;
  size_t at_ = 0;
  char quote_ = 0;
  bool inside_ = false;
  std::string word_;
  std::vector<std::string> words_;
};

}  // namespace

Result<std::vector<std::string>> split_words(std::string_view line) { return Splitter(line).words(); }

}  // namespace millrace::pipeline
