#include "registry/cards/markdown.h"

#include <algorithm>

#include <fmt/format.h>

namespace millrace::registry::markdown {
namespace {

constexpr std::string_view kMarks = "\\`*_{}[]<>#|~&!";

std::string on_one_line(std::string_view from) {
  std::string out;
  for (const char c : from) {
    const bool space = c == '\n' || c == '\r' || c == '\t' || c == ' ';
    if (!space && static_cast<unsigned char>(c) < 0x20) continue;
    if (!space)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace

std::string text(std::string_view from) {
  std::string out;
  for (const char c : on_one_line(from)) {
    const bool first = out.empty();
    if (kMarks.find(c) != std::string_view::npos || (first && (c == '-' || c == '+' || c == '='))) out += '\\';
    out += c;
  }
  // "1. " at the start would be a list.
  const auto digits = out.find_first_not_of("0123456789");
  if (digits != 0 && digits != std::string::npos && (out[digits] == '.' || out[digits] == ')'))
    out.insert(digits, "\\");
  return out;
}

std::string code(std::string_view from) {
  std::string line = on_one_line(from);
  if (line.empty()) return "(none)";
  std::replace(line.begin(), line.end(), '|', '/');  // would end a table's cell even inside code
  size_t longest = 0, run = 0;
  for (const char c : line) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  return longest == 0 ? fence + line + fence : fmt::format("{} {} {}", fence, line, fence);
}

std::string table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows) {
  if (rows.empty()) return "";
  std::string out = "|";
  for (const auto& cell : head) out += fmt::format(" {} |", cell);
  out += "\n|";
  for (size_t i = 0; i < head.size(); ++i) out += "---|";
  for (const auto& row : rows) {
    out += "\n|";
    for (const auto& cell : row) out += fmt::format(" {} |", cell);
  }
  return out + "\n";
}

}  // namespace millrace::registry::markdown
