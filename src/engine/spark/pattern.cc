#include "engine/spark/pattern.h"

#include <array>
#include <vector>

namespace millrace::engine::spark {
namespace {

constexpr std::string_view kWord = "0-9A-Za-z_";

struct Named {
  std::string_view name, members;
};
constexpr std::array kPosix{Named{"alnum", "0-9A-Za-z"},
                            Named{"alpha", "A-Za-z"},
                            Named{"ascii", R"(\x00-\x7F)"},
                            Named{"blank", R"(\t\x20)"},
                            Named{"cntrl", R"(\x00-\x1F\x7F)"},
                            Named{"digit", "0-9"},
                            Named{"graph", R"(\x21-\x7E)"},
                            Named{"lower", "a-z"},
                            Named{"print", R"(\x20-\x7E)"},
                            Named{"punct", R"(\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E)"},
                            Named{"space", R"(\t-\r\x20)"},
                            Named{"upper", "A-Z"},
                            Named{"word", kWord},
                            Named{"xdigit", "0-9A-Fa-f"}};

std::string group(std::string_view members, bool negated) {
  return std::string(negated ? "[^" : "[") + std::string(members) + "]";
}

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

class Translation {
 public:
  explicit Translation(std::string_view pattern) : rest_(pattern) {}

  std::string run() {
    while (!rest_.empty()) {
      if (take("\\Q")) {
        quoted();
      } else if (rest_[0] == '\\') {
        out_ += escape(false);
      } else if (rest_[0] == '[') {
        bracket();
      } else if (rest_[0] == '(') {
        open();
      } else if (take(")")) {
        out_ += ')';
        if (flags_.size() > 1) flags_.pop_back();
      } else {
        symbol();
      }
    }
    return out_;
  }

 private:
  struct Flags {
    bool lines = false, dot_all = false;
  };

  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  char next() {
    const char c = rest_[0];
    rest_.remove_prefix(1);
    return c;
  }

  static std::string plain(char c) {
    if (is_alnum(c) || static_cast<unsigned char>(c) >= 0x80) return {c};
    constexpr std::string_view kHex = "0123456789ABCDEF";
    return {'\\', 'x', kHex[static_cast<size_t>(c) >> 4], kHex[static_cast<size_t>(c) & 15]};
  }

  void quoted() {
    while (!rest_.empty() && !take("\\E")) out_ += plain(next());
  }

  void symbol() {
    const char c = next();
    switch (c) {
      case '.': out_ += flags_.back().dot_all ? R"([\x{0}-\x{10FFFF}])" : R"([^\n])"; break;
      case '^': out_ += flags_.back().lines ? R"((?:\A|(?<=\n)))" : R"(\A)"; break;
      case '$': out_ += flags_.back().lines ? R"((?:\z|(?=\n)))" : R"(\z)"; break;
      case '{': repeat(); break;
      case '*':
      case '+':
      case '?':
      case '|': out_ += c; break;
      default: out_ += plain(c);
    }
  }

  // A brace that is no repetition is itself.
  void repeat() {
    const auto end = rest_.find('}');
    const auto body = rest_.substr(0, end);
    const bool counted = end != std::string_view::npos && !body.empty() && body[0] >= '0' && body[0] <= '9' &&
                         body.find_first_not_of("0123456789,") == std::string_view::npos &&
                         body.find(',') == body.rfind(',');
    if (!counted) {
      out_ += plain('{');
      return;
    }
    out_ += '{' + std::string(body) + '}';
    rest_.remove_prefix(end + 1);
  }

  // (, (?:, (?P<name>, (?<name>, (?flags) and (?flags: ; of the flags U changes which match, not whether there is one.
  void open() {
    next();
    if (!take("?")) {
      begin(flags_.back(), "(?:");
      return;
    }
    if (take("P<") || take("<")) {
      rest_.remove_prefix(rest_.find('>') + 1);
      begin(flags_.back(), "(?:");
      return;
    }
    Flags flags = flags_.back();
    std::string on, off;
    bool value = true;
    while (!rest_.empty() && rest_[0] != ')' && rest_[0] != ':') {
      const char c = next();
      if (c == '-') value = false;
      if (c == 'm') flags.lines = value;
      if (c == 's') flags.dot_all = value;
      if (c == 'i') (value ? on : off) = "iu";
    }
    const std::string java = on + (off.empty() ? "" : "-" + off);
    if (take(")")) {
      flags_.back() = flags;
      if (!java.empty()) out_ += "(?" + java + ")";
      return;
    }
    take(":");
    begin(flags, "(?" + java + ":");
  }

  void begin(const Flags& flags, const std::string& java) {
    flags_.push_back(flags);
    out_ += java;
  }

  // \p{Greek}, \pL, \p{^Lu}
  std::string unicode_class(bool negated) {
    std::string name(1, next());
    if (name == "{") {
      const auto end = rest_.find('}');
      name = rest_.substr(0, end);
      rest_.remove_prefix(end + 1);
    }
    if (name.starts_with('^')) negated = !negated, name.erase(0, 1);
    if (name == "Any") return negated ? R"([^\x{0}-\x{10FFFF}])" : R"([\x{0}-\x{10FFFF}])";
    return (negated ? R"(\P{)" : R"(\p{)") + (name.size() > 2 ? "Is" + name : name) + "}";
  }

  // After the backslash of \x: two digits, or any number in braces.
  std::string hex() {
    const size_t size = rest_[0] == '{' ? rest_.find('}') + 1 : 2;
    const std::string digits(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return "\\x" + digits;
  }

  std::string octal(char first) {
    std::string digits(1, first);
    while (digits.size() < 3 && !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '7') digits += next();
    return "\\0" + digits;
  }

  static std::string boundary(bool negated) {
    const auto word = group(kWord, false);
    const auto before = "(?<=" + word + ")", not_before = "(?<!" + word + ")";
    const auto after = "(?=" + word + ")", not_after = "(?!" + word + ")";
    return negated ? "(?:" + before + after + "|" + not_before + not_after + ")"
                   : "(?:" + before + not_after + "|" + not_before + after + ")";
  }

  std::string escape(bool in_bracket) {
    next();
    if (rest_.empty()) return R"(\\)";
    const char c = next();
    switch (c) {
      case 'd': return group("0-9", false);
      case 'D': return group("0-9", true);
      case 's': return group(R"(\t\n\f\r\x20)", false);
      case 'S': return group(R"(\t\n\f\r\x20)", true);
      case 'w': return group(kWord, false);
      case 'W': return group(kWord, true);
      case 'p': return unicode_class(false);
      case 'P': return unicode_class(true);
      case 'x': return hex();
      case 'b': return in_bracket ? R"(\x08)" : boundary(false);
      case 'B': return boundary(true);
      case 'A': return R"(\A)";
      case 'z': return R"(\z)";
      case 'C': return "(?!)";
      case 'a': return R"(\x07)";
      case 'v': return R"(\x0B)";
      case 'f':
      case 'n':
      case 'r':
      case 't': return {'\\', c};
      default: return c >= '0' && c <= '7' ? octal(c) : plain(c);
    }
  }

  void bracket() {
    next();
    out_ += '[';
    if (take("^")) out_ += '^';
    // A bracket that closes at once is a member.
    for (bool first = true; !rest_.empty() && (first || rest_[0] != ']'); first = false) {
      if (rest_.starts_with("[:") && posix()) continue;
      if (rest_[0] == '\\') {
        out_ += escape(true);
        continue;
      }
      const char c = next();
      out_ += c == '-' && !first && !rest_.empty() && rest_[0] != ']' ? "-" : plain(c);
    }
    take("]");
    out_ += ']';
  }

  bool posix() {
    const auto end = rest_.find(":]");
    if (end == std::string_view::npos) return false;
    auto name = rest_.substr(2, end - 2);
    const bool negated = name.starts_with('^');
    if (negated) name.remove_prefix(1);
    for (const auto& known : kPosix) {
      if (known.name != name) continue;
      out_ += group(known.members, negated);
      rest_.remove_prefix(end + 2);
      return true;
    }
    return false;
  }

  std::string_view rest_;
  std::string out_;
  std::vector<Flags> flags_{Flags{}};
};

}  // namespace

std::string java_pattern(std::string_view pattern) { return Translation(pattern).run(); }

}  // namespace millrace::engine::spark
