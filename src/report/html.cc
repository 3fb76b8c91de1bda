#include "report/html.h"

#include "core/codes/utf8.h"

namespace millrace::report {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// U+202A..U+202E and U+2066..U+2069: marks that turn the direction of writing; three bytes each.
bool turns_direction(std::string_view at) {
  if (at.size() < 3 || at[0] != '\xE2') return false;
  const auto third = static_cast<unsigned char>(at[2]);
  return (at[1] == '\x80' && third >= 0xAA && third <= 0xAE) || (at[1] == '\x81' && third >= 0xA6 && third <= 0xA9);
}

std::string_view replacement(char c) {
  switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: break;
  }
  const bool control = static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t';
  return control || c == 0x7F ? kReplacement : std::string_view();
}

void append_good(std::string& out, std::string_view good) {
  for (size_t i = 0; i < good.size(); ++i) {
    if (turns_direction(good.substr(i))) {
      out += kReplacement;
      i += 2;
      continue;
    }
    const auto other = replacement(good[i]);
    if (other.empty()) out += good[i];
    out += other;
  }
}

// Not through the middle of a character.
std::string_view cut(std::string_view raw) {
  if (raw.size() <= kTextBytes) return raw;
  size_t end = kTextBytes;
  while (end > kTextBytes - 4 && (static_cast<unsigned char>(raw[end]) & 0xC0) == 0x80) --end;
  return raw.substr(0, end);
}

std::string opening(std::string_view name, const Attributes& attributes) {
  std::string out = "<" + std::string(name);
  for (const auto& [key, value] : attributes) {
    out += ' ';
    out += key;
    out += "=\"";
    out += escape(value);
    out += '"';
  }
  return out;
}

}  // namespace

std::string escape(std::string_view raw) {
  std::string out;
  auto rest = cut(raw);
  const bool whole = rest.size() == raw.size();
  while (!rest.empty()) {
    const auto bad = first_bad_utf8(rest);
    append_good(out, rest.substr(0, bad));
    if (bad == std::string_view::npos) break;
    out += kReplacement;
    rest.remove_prefix(bad + 1);
  }
  if (!whole) out += " ...";
  return out;
}

Html text(std::string_view raw) {
  Html out;
  out.bytes_ = escape(raw);
  return out;
}

Html element(std::string_view name, const Attributes& attributes, const Html& inside) {
  Html out;
  out.bytes_ = opening(name, attributes) + ">" + inside.bytes_ + "</" + std::string(name) + ">";
  return out;
}

Html empty_element(std::string_view name, const Attributes& attributes) {
  Html out;
  out.bytes_ = opening(name, attributes) + "/>";
  return out;
}

Html style_sheet(std::string_view css) {
  Html out;
  out.bytes_ = "<style>" + std::string(css) + "</style>";
  return out;
}

}  // namespace millrace::report
