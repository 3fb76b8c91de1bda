#include "traces/match.h"

#include <re2/re2.h>

#include <algorithm>

#include <fmt/format.h>

namespace millrace::traces {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

size_t character_bytes(std::string_view text, size_t at) {
  size_t bytes = 1;
  while (at + bytes < text.size() && (static_cast<unsigned char>(text[at + bytes]) & 0xc0) == 0x80) ++bytes;
  return bytes;
}

}  // namespace

// Goes back to the last % only, so its time is at most text times pattern.
bool is_like(std::string_view text, std::string_view pattern, bool fold) {
  const auto same = [&](char a, char b) { return a == b || (fold && lower(a) == lower(b)); };
  size_t at = 0, in = 0, star = std::string_view::npos, marked = 0;
  while (at < text.size()) {
    if (in < pattern.size() && pattern[in] == '%') {
      star = in++;
      marked = at;
    } else if (in < pattern.size() && pattern[in] == '_') {
      at += character_bytes(text, at);
      ++in;
    } else if (in < pattern.size() && same(text[at], pattern[in])) {
      ++at, ++in;
    } else if (star != std::string_view::npos) {
      in = star + 1;
      at = ++marked;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('%', in) == std::string_view::npos;
}

std::string wider_pattern(std::string_view pattern) {
  std::string out;
  for (const char c : pattern) {
    const auto byte = static_cast<unsigned char>(c);
    // Escaped in JSON, an escape of LIKE in some databases, or a letter that each database folds in its own way.
    const bool varies = c == '"' || c == '\\' || c == '_' || byte < 0x20 || byte >= 0x7f;
    if (!varies)
      out += lower(c);
    else if (!out.ends_with('%'))
      out += '%';
  }
  return out;
}

Result<Matcher> Matcher::of(const Condition& condition) {
  Matcher out(condition);
  if (condition.op != Op::rlike) return out;
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  out.expression_ = std::make_unique<re2::RE2>(condition.texts.at(0), options);
  if (!out.expression_->ok())
    return Error{Code::invalid, fmt::format("Invalid regular expression '{}': {}", condition.texts[0].substr(0, 250),
                                            out.expression_->error())};
  return out;
}

Matcher::Matcher(const Condition& condition) : condition_(condition) {}
Matcher::Matcher(Matcher&&) noexcept = default;
Matcher& Matcher::operator=(Matcher&&) noexcept = default;
Matcher::~Matcher() = default;

bool Matcher::operator()(std::string_view text) const {
  const auto& texts = condition_.texts;
  const auto listed = [&] { return std::find(texts.begin(), texts.end(), text) != texts.end(); };
  switch (condition_.op) {
    case Op::equal:
    case Op::in: return listed();
    case Op::unequal:
    case Op::not_in: return !listed();
    case Op::like: return is_like(text, texts[0], false);
    case Op::ilike: return is_like(text, texts[0], true);
    case Op::rlike: return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *expression_);
    default: return false;
  }
}

}  // namespace millrace::traces
