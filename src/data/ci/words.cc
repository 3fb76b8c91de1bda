#include "data/ci/words.h"

#include <cmath>

#include <fmt/format.h>

#include "core/codes/utf8.h"
#include "core/files.h"

namespace millrace::data::ci {
namespace {

constexpr size_t kNoteBytes = 600;

std::string replace(std::string_view text, std::initializer_list<std::pair<char, std::string_view>> pairs) {
  std::string out;
  for (const char c : text) {
    const auto found = std::find_if(pairs.begin(), pairs.end(), [c](const auto& pair) { return pair.first == c; });
    if (found == pairs.end())
      out += c;
    else
      out += found->second;
  }
  return out;
}

// Cut between characters.
std::string shortened(const std::string& text, size_t bytes) {
  if (text.size() <= bytes) return text;
  size_t end = bytes;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

}  // namespace

bool is_broken(const Finding& finding) { return finding.rule.skipped.empty() && !finding.ok && finding.decides; }

std::string_view level_of(const Rule& rule) {
  if (rule.severity == Severity::info) return "note";
  if (rule.severity == Severity::warning) return "warning";
  return rule.severity == Severity::error || rule.on_fail != OnFail::warn ? "error" : "warning";
}

std::string sentence(const Finding& finding) {
  const auto value = !finding.value                   ? "no value"
                     : !std::isfinite(*finding.value) ? "not a number"
                     : *finding.value == std::floor(*finding.value) && std::fabs(*finding.value) < 9e15
                         ? fmt::format("{}", static_cast<int64_t>(*finding.value))
                         : fmt::format("{:.6g}", *finding.value);
  std::string out = fmt::format("{}{}{} (allowed: {})", value, finding.rule.unit.empty() ? "" : " ", finding.rule.unit,
                                to_text(finding.rule.limit.to_json()));
  if (finding.about_rows && finding.rule.unit != "rows") out += fmt::format(", in {} rows", finding.failing);
  if (!finding.note.empty()) out += ": " + shortened(finding.note, kNoteBytes);
  return out;
}

std::string example_text(const Json& example) {
  return fmt::format("{} row {}: {}", string_or(example, "file", ""), integer_or(example, "row", 0),
                     shortened(to_text(example.contains("values") ? example["values"] : Json()), kNoteBytes));
}

std::string to_xml(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto bad = std::min(first_bad_utf8(text), text.size());
    for (size_t i = 0; i < bad; ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      const auto rest = text.substr(i, 3);
      if (c == '&')
        out += "&amp;";
      else if (c == '<')
        out += "&lt;";
      else if (c == '>')
        out += "&gt;";
      else if (c == '"')
        out += "&quot;";
      else if (c == '\n' || c == '\t')
        out += fmt::format("&#{};", c);
      else if (c < 0x20 || c == 0x7F)
        out += fmt::format("\\x{:02x}", c);
      else if (rest == "\xEF\xBF\xBE" || rest == "\xEF\xBF\xBF")  // U+FFFE, U+FFFF
        out += rest == "\xEF\xBF\xBE" ? "\\ufffe" : "\\uffff", i += 2;
      else
        out += text[i];
    }
    text.remove_prefix(bad);
    if (text.empty()) break;
    out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    text.remove_prefix(1);
  }
  return out;
}

std::string to_markdown(std::string_view text) {
  return replace(text, {{'&', "&amp;"},
                        {'<', "&lt;"},
                        {'>', "&gt;"},
                        {'\\', "\\\\"},
                        {'|', "\\|"},
                        {'`', "\\`"},
                        {'*', "\\*"},
                        {'_', "\\_"},
                        {'[', "\\["},
                        {']', "\\]"},
                        {'~', "\\~"},
                        {'#', "\\#"},
                        {'@', "&#64;"},
                        {'\n', " "},
                        {'\r', " "},
                        {'\t', " "}});
}

std::string to_message(std::string_view text) { return replace(text, {{'%', "%25"}, {'\r', "%0D"}, {'\n', "%0A"}}); }

std::string to_property(std::string_view text) {
  return replace(text, {{'%', "%25"}, {'\r', "%0D"}, {'\n', "%0A"}, {':', "%3A"}, {',', "%2C"}});
}

std::string below(const std::string& path, const std::string& root) {
  if (path.find("://") != std::string::npos) return path;
  const auto full = absolute(path);
  return full.starts_with(root + "/") ? full.substr(root.size() + 1) : full;
}

std::string to_uri(const std::string& path, const std::string& root) {
  if (path.find("://") != std::string::npos) return path;
  const auto plain = below(path, root);
  std::string out = plain.starts_with('/') ? "file://" : "";
  for (const char c : plain) {
    const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("/-._~").find(c) != std::string_view::npos;
    out += safe ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace millrace::data::ci
