#include "core/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <sstream>
#include <unordered_set>

#include <fmt/format.h>

#include "core/codes/utf8.h"
#include "core/files.h"
#include "core/limits.h"

namespace millrace {
namespace {

constexpr std::string_view kTextTag = "tag:yaml.org,2002:str";

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> set) {
  return std::find(set.begin(), set.end(), text) != set.end();
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The parser would guess another encoding, or hand on bytes that no answer can carry.
Result<void> check_encoding(std::string_view text, const std::string& file) {
  const size_t bad = std::min(first_bad_utf8(text), text.find('\0'));
  if (bad == std::string_view::npos) return {};
  const auto before = text.substr(0, bad);
  const int line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  const bool zero = text[bad] == '\0';
  return Error{Code::invalid, zero ? "the file holds a zero byte: it is not text" : "the file is not UTF-8"}
      .at({.file = file, .line = line})
      .hint("save it as UTF-8 text");
}

Json core_schema(const std::string& text) {
  if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) return nullptr;
  if (is_one_of(text, {"true", "True", "TRUE"})) return true;
  if (is_one_of(text, {"false", "False", "FALSE"})) return false;
  if (const auto integer = parse_number<int64_t>(text)) return *integer;
  const bool numeric = text.find_first_not_of("0123456789+-.eE") == std::string::npos;
  if (const auto number = numeric ? parse_number<double>(text) : std::nullopt) return *number;
  return text;
}

// Refuses, event by event, what the node interface would hide or only show after the memory is spent:
// aliases, tags, depth. Leaves the library's parser by throwing itself (caught in parse_yaml).
struct Guard : YAML::EventHandler {
  explicit Guard(std::string name) : file(std::move(name)) {}
  std::string file;
  size_t depth = 0;
  Error error{Code::invalid, ""};

  void refuse(const YAML::Mark& mark, Error why) {
    error = std::move(why).at({.file = file, .line = mark.line + 1, .column = mark.column + 1});
    throw *this;
  }
  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!" || tag == kTextTag) return;
    refuse(mark, Error{Code::invalid, fmt::format("the tag '{}' is not allowed", tag)}.hint("write plain values"));
  }
  void down(const YAML::Mark& mark, const std::string& tag) {
    check_tag(mark, tag);
    if (++depth > limits::yaml_depth)
      refuse(mark, Error{Code::too_large, fmt::format("nested deeper than {} levels", limits::yaml_depth)});
  }
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, Error{Code::invalid, "aliases (*name) are not allowed"}.hint("write the values out in full"));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string&) override {
    check_tag(mark, tag);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    down(mark, tag);
  }
  void OnSequenceEnd() override { --depth; }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override {
    down(mark, tag);
  }
  void OnMapEnd() override { --depth; }
};

}  // namespace

// Turns yaml-cpp's nodes into ours; throws Stop (caught in parse_yaml) since that is the library's own way out.
struct YamlReader {
  struct Stop {
    Error error;
  };
  std::string file;
  size_t nodes = 0;

  Where where(const YAML::Node& node, const std::string& field) const {
    const auto mark = node.Mark();
    return {.file = file, .line = mark.line + 1, .column = mark.column + 1, .field = field};
  }

  Yaml read(const YAML::Node& from, const std::string& field, size_t depth) {
    Yaml out;
    out.where_ = where(from, field);
    if (depth > limits::yaml_depth || ++nodes > limits::yaml_nodes)
      throw Stop{Error{Code::too_large, "the document is nested too deep or has too many nodes"}.at(out.where_)};
    switch (from.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null: break;
      case YAML::NodeType::Scalar:
        out.kind_ = Yaml::Kind::scalar;
        out.text_ = from.Scalar();
        out.quoted_ = from.Tag() == "!" || from.Tag() == kTextTag;
        break;
      case YAML::NodeType::Sequence:
        out.kind_ = Yaml::Kind::list;
        for (const auto& item : from)
          out.items_.push_back(read(item, fmt::format("{}[{}]", field, out.items_.size()), depth + 1));
        break;
      case YAML::NodeType::Map: read_map(out, from, field, depth); break;
    }
    return out;
  }

  void read_map(Yaml& out, const YAML::Node& from, const std::string& field, size_t depth) {
    out.kind_ = Yaml::Kind::map;
    std::unordered_set<std::string> seen;
    for (const auto& entry : from) {
      if (!entry.first.IsScalar())
        throw Stop{Error{Code::invalid, "a key must be plain text"}.at(where(entry.first, field))};
      const std::string key = entry.first.Scalar();
      const std::string path = field.empty() ? key : field + "." + key;
      if (!seen.insert(key).second)
        throw Stop{Error{Code::invalid, fmt::format("the key '{}' stands twice", key)}.at(where(entry.first, path))};
      out.entries_.emplace_back(key, read(entry.second, path, depth + 1));
    }
  }
};

const Yaml* Yaml::find(std::string_view key) const {
  for (const auto& [name, value] : entries_)
    if (name == key) return &value;
  return nullptr;
}

Result<const Yaml*> Yaml::get(std::string_view key) const {
  if (!is_map()) return error("expected keys and values here");
  if (const auto* found = find(key)) return found;
  return error(fmt::format("'{}' is missing", key));
}

Error Yaml::error(std::string message) const { return Error{Code::invalid, std::move(message)}.at(where_); }

Result<std::string> Yaml::string() const {
  if (!is_scalar()) return error("expected text");
  return text_;
}

Result<int64_t> Yaml::integer() const {
  const auto value = is_scalar() && !quoted_ ? parse_number<int64_t>(text_) : std::nullopt;
  if (!value) return error(fmt::format("expected a whole number, not '{}'", text_));
  return *value;
}

Result<double> Yaml::number() const {
  const auto value = is_scalar() && !quoted_ ? parse_number<double>(text_) : std::nullopt;
  if (!value || !std::isfinite(*value)) return error(fmt::format("expected a number, not '{}'", text_));
  return *value;
}

Result<bool> Yaml::boolean() const {
  if (is_scalar() && !quoted_ && is_one_of(text_, {"true", "True", "TRUE"})) return true;
  if (is_scalar() && !quoted_ && is_one_of(text_, {"false", "False", "FALSE"})) return false;
  return error(fmt::format("expected true or false, not '{}'", text_));
}

Result<std::vector<std::string>> Yaml::strings() const {
  if (is_scalar()) return std::vector<std::string>{text_};
  if (!is_list()) return error("expected a list of texts");
  std::vector<std::string> out;
  for (const auto& item : items_) {
    MILLRACE_TRY(auto text, item.string());
    out.push_back(std::move(text));
  }
  return out;
}

Result<std::string> Yaml::get_string(std::string_view key) const {
  MILLRACE_TRY(const auto* found, get(key));
  return found->string();
}

std::string Yaml::string_or(std::string_view key, std::string_view otherwise) const {
  const auto* found = find(key);
  return found != nullptr && found->is_scalar() ? found->text_ : std::string(otherwise);
}

Result<void> Yaml::only_keys(std::initializer_list<std::string_view> known) const {
  if (!is_map()) return error("expected keys and values here");
  const std::vector<std::string> names(known.begin(), known.end());
  for (const auto& [key, value] : entries_) {
    if (is_one_of(key, known)) continue;
    const auto near = did_you_mean(key, names);
    return Error{Code::invalid, fmt::format("unknown key '{}'", key)}
        .at(value.where())
        .hint(near ? fmt::format("did you mean '{}'?", *near) : fmt::format("known keys: {}", fmt::join(names, ", ")));
  }
  return {};
}

Json Yaml::to_json() const {
  switch (kind_) {
    case Kind::null: return nullptr;
    case Kind::scalar: return quoted_ ? Json(text_) : core_schema(text_);
    case Kind::list: {
      Json out = Json::array();
      for (const auto& item : items_) out.push_back(item.to_json());
      return out;
    }
    case Kind::map: {
      Json out = Json::object();
      for (const auto& [key, value] : entries_) out[key] = value.to_json();
      return out;
    }
  }
  return nullptr;
}

Result<Yaml> parse_yaml(std::string_view text, const std::string& file) {
  if (text.size() > limits::yaml_bytes)
    return Error{Code::too_large, fmt::format("the document is larger than {} bytes", limits::yaml_bytes)}.at(
        {.file = file});
  MILLRACE_DO(check_encoding(text, file));
  try {
    const std::string copy(text);
    Guard guard(file);
    try {
      std::istringstream in(copy);
      YAML::Parser parser(in);
      while (parser.HandleNextDocument(guard)) {}
    } catch (const Guard& refused) {
      return refused.error;
    }
    const auto documents = YAML::LoadAll(copy);
    if (documents.size() > 1) return Error{Code::invalid, "more than one document in the file"}.at({.file = file});
    YamlReader reader{.file = file};
    return reader.read(documents.empty() ? YAML::Node() : documents[0], "", 0);
  } catch (YamlReader::Stop& stop) {
    return std::move(stop.error);
  } catch (const YAML::Exception& problem) {
    return Error{Code::invalid, fmt::format("not valid YAML: {}", problem.msg)}.at(
        {.file = file, .line = problem.mark.line + 1, .column = problem.mark.column + 1});
  } catch (const std::exception& problem) {
    return Error{Code::invalid, fmt::format("not valid YAML: {}", problem.what())}.at({.file = file});
  }
}

Result<Yaml> load_yaml(const std::string& path) {
  MILLRACE_TRY(const auto text, read_file(path, limits::yaml_bytes));
  return parse_yaml(text, path);
}

std::optional<std::string> did_you_mean(std::string_view wrong, const std::vector<std::string>& known) {
  std::optional<std::string> best;
  size_t least = std::max<size_t>(1, wrong.size() / 3) + 1;
  for (const auto& name : known) {
    std::vector<size_t> row(name.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 1; i <= wrong.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j <= name.size(); ++j) {
        const size_t replaced = diagonal + (wrong[i - 1] == name[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
      }
    }
    if (row.back() < least) least = row.back(), best = name;
  }
  return best;
}

}  // namespace millrace
