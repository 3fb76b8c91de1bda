#include "data/contracts/contract_write.h"

#include <cmath>

#include <fmt/format.h>
#include <re2/re2.h>

#include "data/contracts/contract_shapes.h"

namespace millrace::data {
namespace {

constexpr size_t kWidth = 118;

// A text that every YAML reader, 1.1 or 1.2, takes for a text as it stands, also between brackets.
bool is_plain(const std::string& text) {
  static const re2::RE2 safe("[A-Za-z_](?:[A-Za-z0-9_ ()/.+-]*[A-Za-z0-9_()/.+-])?");
  static const re2::RE2 word("(?i)null|true|false|yes|no|on|off|y|n");
  return re2::RE2::FullMatch(text, safe) && !re2::RE2::FullMatch(text, word);
}

std::string quoted(const std::string& text) {
  const bool visible = std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) != 0x7f;
  });
  if (!visible) return to_text(Json(text));  // JSON's escapes are YAML's
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

// A number with a fraction stays one; YAML 1.1 readers take one with an exponent for a number only when it has a point.
std::string number(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find('.') == std::string::npos) text.insert(std::min(text.find('e'), text.size()), ".0");
  return text;
}

std::string scalar(const Json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return is_plain(text) ? text : quoted(text);
  }
  return value.is_number_float() ? number(value.get<double>()) : to_text(value);
}

struct Entry {
  std::string key, shape;
  const Json* value;
};

std::vector<Entry> ordered(const Json& map, const std::string& shape) {
  std::vector<Entry> out;
  const std::string of_type = shape == "server" ? "server." + string_or(map, "type", "") : shape;
  for (const auto& key : contract_keys(of_type)) {
    const Json* value = find(map, key.name);
    if (value == nullptr) continue;
    std::string below = key.shape;
    if (below == "options") below = "options." + string_or(map, "logicalType", "");
    if (below == "team" && value->is_array()) below = "member";
    out.push_back({key.name, below, value});
  }
  const auto known = out.size();
  for (const auto& [key, value] : map.items())
    if (std::none_of(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(known),
                     [&key = key](const Entry& e) { return e.key == key; }))
      out.push_back({key, "", &value});
  // What says the kind of a rule comes first in it.
  if (shape.empty()) std::stable_partition(out.begin(), out.end(), [](const Entry& e) { return e.key == "metric"; });
  return out;
}

std::string flow(const Json& value, const std::string& shape) {
  std::string out;
  if (value.is_array()) {
    for (const auto& item : value) out += (out.empty() ? "" : ", ") + flow(item, shape);
    return "[" + out + "]";
  }
  if (!value.is_object()) return scalar(value);
  for (const auto& entry : ordered(value, shape))
    out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", scalar(Json(entry.key)), flow(*entry.value, entry.shape));
  return "{" + out + "}";
}

size_t depth(const Json& value) {
  size_t below = 0;
  if (value.is_structured())
    for (const auto& item : value) below = std::max(below, depth(item));
  return value.is_structured() ? below + 1 : 0;
}

class Writer {
 public:
  std::string text;

  void map(const Json& value, const std::string& shape, size_t indent, bool first_in_line) {
    for (const auto& entry : ordered(value, shape)) {
      if (!std::exchange(first_in_line, false)) text.append(indent, ' ');
      text += scalar(Json(entry.key)) + ":";
      below(*entry.value, entry.shape, indent, entry.key.size() + 1);
    }
  }

 private:
  bool on_one_line(const Json& value, const std::string& shape, size_t used) const {
    if (!value.is_structured() || value.empty()) return true;
    if (depth(value) > 3 || shape == "object") return false;
    return used + flow(value, shape).size() <= kWidth;
  }

  void below(const Json& value, const std::string& shape, size_t indent, size_t key) {
    // A list of maps is read line by line, however short it is.
    const bool rows = value.is_array() && !value.empty() && value[0].is_object() &&
                      (value.size() > 1 || shape == "object" || shape == "property" || shape == "quality");
    if (!rows && on_one_line(value, shape, indent + key + 1)) {
      text += " " + flow(value, shape) + "\n";
      return;
    }
    text += "\n";
    if (value.is_object()) return map(value, shape, indent + 2, false);
    for (const auto& item : value) {
      text.append(indent + 2, ' ');
      text += "- ";
      if (!item.is_object() || on_one_line(item, shape, indent + 4))
        text += flow(item, shape) + "\n";
      else
        map(item, shape, indent + 4, true);
    }
  }
};

}  // namespace

std::string write_contract(const Json& document) {
  Writer writer;
  writer.map(document, "contract", 0, false);
  return writer.text;
}

}  // namespace millrace::data
