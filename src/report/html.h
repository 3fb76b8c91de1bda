// Markup that is safe to write out. Whatever users wrote (names, reasons, messages, values) can only come in through
// text() or as an attribute's value, and both escape; a std::string does not turn into Html by itself.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::report {

class Html {
 public:
  Html() = default;
  // Our own markup: string literals only.
  template <size_t N>
  Html(const char (&markup)[N]) : bytes_(markup, N - 1) {}  // NOLINT: implicit on purpose

  Html& operator+=(const Html& more) {
    bytes_ += more.bytes_;
    return *this;
  }
  friend Html operator+(Html left, const Html& right) { return left += right; }
  bool empty() const { return bytes_.empty(); }
  const std::string& bytes() const { return bytes_; }

 private:
  friend Html text(std::string_view raw);
  friend Html element(std::string_view, const std::vector<std::pair<std::string_view, std::string>>&, const Html&);
  friend Html empty_element(std::string_view, const std::vector<std::pair<std::string_view, std::string>>&);
  friend Html style_sheet(std::string_view css);
  std::string bytes_;
};

// Names are ours, values are escaped.
using Attributes = std::vector<std::pair<std::string_view, std::string>>;

// & < > " ' are escaped; invalid UTF-8, control characters and marks that turn the direction of writing become U+FFFD,
// so that a name cannot pretend to be another one. At most kTextBytes, then "..." (nothing that long is worth reading).
inline constexpr size_t kTextBytes = 2'000;
std::string escape(std::string_view raw);
Html text(std::string_view raw);

// <name a="...">inside</name>; names without '<' in them and known to us only.
Html element(std::string_view name, const Attributes& attributes, const Html& inside);
inline Html element(std::string_view name, const Html& inside) { return element(name, {}, inside); }
Html empty_element(std::string_view name, const Attributes& attributes);  // <name a="..."/>
Html style_sheet(std::string_view css);                                   // <style>, of our own embedded file only

// An element whose inside is text.
inline Html words(std::string_view name, std::string_view raw) { return element(name, {}, text(raw)); }
inline Html words(std::string_view name, std::string_view css, std::string_view raw) {
  return element(name, {{"class", std::string(css)}}, text(raw));
}

}  // namespace millrace::report
