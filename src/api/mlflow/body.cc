#include "api/mlflow/body.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "core/limits.h"

namespace millrace::api::mlflow {
namespace {

constexpr size_t kListed = 10'000;
constexpr std::string_view kSeeDocs = "See the API docs for more information about request parameters.";

std::string camel(std::string_view name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '_' && i + 1 < name.size())
      out += static_cast<char>(name[++i] & ~0x20);
    else
      out += name[i];
  }
  return out;
}

// The names that clients know types by are Python's.
std::string_view type_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::string: return "str";
    case Json::value_t::boolean: return "bool";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned: return "int";
    case Json::value_t::number_float: return "float";
    case Json::value_t::array: return "list";
    case Json::value_t::object: return "dict";
    default: return "NoneType";
  }
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// A bare word stands for a value only where one may stand: after ':', ',' or '[' and before ',', ']' or '}'.
bool is_value_at(std::string_view text, size_t from, size_t to) {
  while (from > 0 && is_space(text[from - 1])) --from;
  while (to < text.size() && is_space(text[to])) ++to;
  const bool before = from > 0 && (text[from - 1] == ':' || text[from - 1] == ',' || text[from - 1] == '[');
  return before && to < text.size() && (text[to] == ',' || text[to] == ']' || text[to] == '}');
}

// Python clients write NaN and Infinity as bare words, which JSON does not know; they become the strings that protobuf
// uses.
std::string quote_bare_words(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 64);
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      out += c;
      if (c == '\\' && i + 1 < text.size())
        out += text[++i];
      else if (c == '"')
        in_string = false;
      continue;
    }
    bool replaced = false;
    for (const std::string_view word : {"-Infinity", "Infinity", "NaN"}) {
      if (!text.substr(i).starts_with(word) || !is_value_at(text, i, i + word.size())) continue;
      out += fmt::format("\"{}\"", word);
      i += word.size() - 1;
      replaced = true;
      break;
    }
    if (replaced) continue;
    in_string = c == '"';
    out += c;
  }
  return out;
}

bool holds_nul(const Json& json) {
  if (json.is_string()) return json.get_ref<const std::string&>().find('\0') != std::string::npos;
  if (json.is_object())
    for (const auto& [key, value] : json.items())
      if (key.find('\0') != std::string::npos || holds_nul(value)) return true;
  return json.is_array() && std::any_of(json.begin(), json.end(), holds_nul);
}

Result<Json> parse(std::string_view text) {
  const bool bare = text.find("NaN") != std::string_view::npos || text.find("Infinity") != std::string_view::npos;
  MILLRACE_TRY(auto json, bare ? parse_json(quote_bare_words(text), "request body") : parse_json(text, "request body"));
  // Escaped it is valid JSON, but no store of texts keeps it.
  if (text.find("\\u0000") != std::string_view::npos && holds_nul(json))
    return Error{Code::invalid, "a text in the request body holds a NUL character"}.hint("leave \\u0000 out");
  return json;
}

// application/json, with or without parameters.
bool is_json(std::string_view type) {
  auto media = type.substr(0, type.find(';'));
  while (media.ends_with(' ') || media.ends_with('\t')) media.remove_suffix(1);
  constexpr std::string_view wanted = "application/json";
  return std::equal(media.begin(), media.end(), wanted.begin(), wanted.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a | 0x20 : a) == b; });
}

Json json_of(const Pairs& query) {
  Json out = Json::object();
  for (const auto& [name, value] : query) {
    auto& slot = out[name];
    if (slot.is_null())
      slot = value;
    else if (slot.is_array())
      slot.push_back(value);
    else
      slot = Json::array({slot, value});
  }
  return out;
}

Error bad_body(std::string message) { return Error{Code::invalid, std::move(message)}; }

Result<Json> read(const Request& request) {
  if (request.body.empty()) return Json::object();
  const auto type = request.header("content-type");
  if (!is_json(type))
    return bad_body(
        fmt::format("Bad Request. Content-Type must be one of ['application/json'], not '{}'.", type.substr(0, 80)));
  MILLRACE_TRY(auto json, parse(request.body));
  if (json.is_string()) {  // old clients encode twice
    const auto inner = json.get<std::string>();
    MILLRACE_TRY(json, parse(inner));
  }
  if (json.is_null()) return Json::object();
  if (!json.is_object())
    return bad_body(fmt::format("the request body must be a JSON object, not a {}", type_of(json)));
  return json;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number out{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (problem != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return out;
}

}  // namespace

Body Body::of(const Request& request) {
  Body body;
  if (request.method == "GET" || request.method == "HEAD") {
    body.json_ = json_of(request.query);
    body.from_query_ = true;
    return body;
  }
  auto json = read(request);
  if (json)
    body.json_ = std::move(*json);
  else
    body.problem_ = std::move(json).error();
  return body;
}

void Body::fail(std::string message) {
  if (!problem_) problem_ = bad_body(std::move(message));
}

void Body::refuse(std::string_view name, const Json& value) {
  fail(fmt::format("Invalid value {} for parameter '{}{}' supplied: Hint: Value was of type '{}'. {}",
                   to_text(value).substr(0, 250), place_, name, type_of(value), kSeeDocs));
}

void Body::too_many(std::string_view name, size_t count) {
  fail(fmt::format("'{}{}' holds {} entries; a request holds at most {} of a kind", place_, name, count, kListed));
}

void Body::check(const Body& part) {
  if (!problem_ && part.problem_) problem_ = part.problem_;
}

const Json* Body::find(std::string_view name) {
  const auto* plain = millrace::find(json_, name);
  const auto other = camel(name);
  const auto* spelled = other == name ? nullptr : millrace::find(json_, other);
  if (plain != nullptr && spelled != nullptr) {
    fail(fmt::format("Request specifies both '{}' and '{}'; provide only one of them.", name, other));
    return nullptr;
  }
  const auto* found = plain != nullptr ? plain : spelled;
  return found != nullptr && found->is_null() ? nullptr : found;
}

const Json* Body::require(std::string_view name) {
  const auto* found = find(name);
  if (found == nullptr) fail(fmt::format("Missing value for required parameter '{}{}'. {}", place_, name, kSeeDocs));
  return found;
}

bool Body::has(std::string_view name) { return find(name) != nullptr; }

std::optional<std::string> Body::optional_text(std::string_view name) {
  const auto* found = find(name);
  if (found == nullptr) return std::nullopt;
  if (found->is_string()) return found->get<std::string>();
  refuse(name, *found);
  return std::nullopt;
}

std::string Body::text_or(std::string_view name, std::string_view otherwise) {
  return optional_text(name).value_or(std::string(otherwise));
}

std::string Body::text(std::string_view name) {
  if (require(name) == nullptr) return "";
  auto out = text_or(name);
  if (out.empty()) fail(fmt::format("Missing value for required parameter '{}{}'. {}", place_, name, kSeeDocs));
  return out;
}

std::optional<int64_t> Body::to_integer(std::string_view name, const Json& value) {
  if (value.is_number_unsigned() && value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    return value.get<int64_t>();
  if (value.is_number_integer() && !value.is_number_unsigned()) return value.get<int64_t>();
  if (value.is_number_float()) {  // 5.0 is the integer 5, as protobuf reads it
    const auto real = value.get<double>();
    if (std::trunc(real) == real && std::abs(real) < 9007199254740992.0) return static_cast<int64_t>(real);
  }
  if (value.is_string())
    if (const auto parsed = parse_number<int64_t>(value.get_ref<const std::string&>())) return parsed;
  refuse(name, value);
  return std::nullopt;
}

std::optional<int64_t> Body::optional_integer(std::string_view name) {
  const auto* found = find(name);
  return found == nullptr ? std::nullopt : to_integer(name, *found);
}

int64_t Body::integer_or(std::string_view name, int64_t otherwise) {
  return optional_integer(name).value_or(otherwise);
}

int64_t Body::integer(std::string_view name) {
  const auto* found = require(name);
  return found == nullptr ? 0 : to_integer(name, *found).value_or(0);
}

double Body::number(std::string_view name) {
  const auto* found = require(name);
  if (found == nullptr) return 0;
  if (found->is_number()) return found->get<double>();
  if (found->is_string()) {
    const auto& text = found->get_ref<const std::string&>();
    if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (text == "Infinity") return std::numeric_limits<double>::infinity();
    if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
    if (const auto parsed = parse_number<double>(text); parsed && std::isfinite(*parsed)) return *parsed;
  }
  refuse(name, *found);
  return 0;
}

bool Body::boolean_or(std::string_view name, bool otherwise) {
  const auto* found = find(name);
  if (found == nullptr) return otherwise;
  if (found->is_boolean()) return found->get<bool>();
  if (from_query_ && found->is_string() && (*found == "true" || *found == "True")) return true;
  if (from_query_ && found->is_string() && (*found == "false" || *found == "False")) return false;
  refuse(name, *found);
  return otherwise;
}

std::vector<std::string> Body::texts(std::string_view name) {
  const auto* found = find(name);
  std::vector<std::string> out;
  if (found == nullptr) return out;
  if (from_query_ && found->is_string()) return {found->get<std::string>()};
  if (!found->is_array()) return refuse(name, *found), out;
  if (found->size() > kListed) return too_many(name, found->size()), out;
  for (const auto& each : *found) {
    if (!each.is_string()) return refuse(name, *found), out;
    out.push_back(each.get<std::string>());
  }
  return out;
}

std::string Body::enumerated(std::string_view name, const std::vector<std::string_view>& names, int64_t first) {
  const auto* found = find(name);
  if (found == nullptr) return "";
  if (found->is_string())
    for (const auto known : names)
      if (*found == known) return std::string(known);
  std::optional<int64_t> number;
  if (found->is_number_integer() && !found->is_number_unsigned()) number = found->get<int64_t>();
  if (found->is_number_unsigned() && found->get<uint64_t>() < 1000)
    number = static_cast<int64_t>(found->get<uint64_t>());
  if (from_query_ && found->is_string()) number = parse_number<int64_t>(found->get_ref<const std::string&>());
  if (number && *number >= first && *number < first + static_cast<int64_t>(names.size()))
    return std::string(names[static_cast<size_t>(*number - first)]);
  refuse(name, *found);
  return "";
}

std::vector<Body> Body::objects(std::string_view name) {
  const auto* found = find(name);
  std::vector<Body> out;
  if (found == nullptr) return out;
  if (!found->is_array()) return refuse(name, *found), out;
  if (found->size() > kListed) return too_many(name, found->size()), out;
  out.reserve(found->size());
  for (const auto& each : *found) {
    if (!each.is_object()) return refuse(name, *found), std::vector<Body>{};
    Body part;
    part.json_ = each;
    part.place_ = fmt::format("{}{}[{}].", place_, name, out.size());
    out.push_back(std::move(part));
  }
  return out;
}

std::optional<Body> Body::object(std::string_view name) {
  const auto* found = find(name);
  if (found == nullptr) return std::nullopt;
  if (!found->is_object()) return refuse(name, *found), std::nullopt;
  Body part;
  part.json_ = *found;
  part.place_ = fmt::format("{}{}.", place_, name);
  return part;
}

Json Body::any(std::string_view name) {
  const auto* found = find(name);
  return found == nullptr ? Json() : *found;
}

std::map<std::string, std::string> Body::text_map(std::string_view name) {
  std::map<std::string, std::string> out;
  const auto* found = find(name);
  if (found == nullptr) return out;
  if (!found->is_object()) return refuse(name, *found), out;
  for (const auto& [key, value] : found->items()) {
    if (!value.is_string()) return refuse(name, *found), out;
    out.emplace(key, value.get<std::string>());
  }
  return out;
}

void Body::refuse_text(std::string_view name, std::string_view value, std::string_view why) {
  fail(fmt::format("Invalid value {} for parameter '{}{}' supplied: {}. {}",
                   to_text(Json(std::string(value.substr(0, 250)))), place_, name, why, kSeeDocs));
}

std::string Body::run_id() {
  if (!has("run_id") && has("run_uuid")) return text("run_uuid");
  return text("run_id");
}

std::vector<track::KeyValue> Body::pairs(std::string_view name) {
  std::vector<track::KeyValue> out;
  for (auto& each : objects(name)) {
    out.push_back({each.text("key"), each.text_or("value")});
    check(each);
  }
  return out;
}

}  // namespace millrace::api::mlflow
