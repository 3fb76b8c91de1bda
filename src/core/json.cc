#include "core/json.h"

#include <fmt/format.h>

#include "core/limits.h"

namespace millrace {
namespace {

// Builds the document and refuses what nlohmann's own parser lets through: duplicate keys, depth, key counts.
class StrictBuilder : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t& text) override {
    if (text.size() > limits::json_number_digits) return refuse("a number has too many digits");
    return put(value);
  }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return refuse("binary values are not JSON"); }
  bool start_object(size_t) override { return open(Json::object()); }
  bool start_array(size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    auto& top = stack_.back();
    const bool twice = top.value->contains(name);
    top.key = std::move(name);
    if (twice) return refuse(fmt::format("the key '{}' stands twice in one object", shorten(top.key)));
    if (top.value->size() >= limits::json_keys)
      return refuse(fmt::format("an object has more than {} keys", limits::json_keys));
    return true;
  }
  bool parse_error(size_t where, const std::string&, const nlohmann::detail::exception& error) override {
    // "[json.exception...] parse error at line 1, column 2: syntax error while parsing value - WHAT"
    problem = error.what();
    if (const auto id = problem.find("] "); id != std::string::npos) problem.erase(0, id + 2);
    if (const auto dash = problem.find(" - "); dash != std::string::npos) problem.erase(0, dash + 3);
    problem = shorten(problem);
    position = where;
    return false;
  }

  Json root;
  std::string problem;
  std::string field;    // of what was refused
  size_t position = 0;  // bytes read up to a syntax error

 private:
  struct Open {
    Json* value;
    std::string key;  // of an object: the key read last
  };

  static std::string shorten(const std::string& text) { return text.size() > 200 ? text.substr(0, 200) + "..." : text; }

  bool refuse(std::string why) {
    problem = std::move(why);
    for (const auto& open : stack_) {
      // What is refused is not in the innermost array yet; the outer ones hold their open element.
      if (open.value->is_array())
        field += fmt::format("[{}]", open.value->size() - (&open == &stack_.back() ? 0 : 1));
      else
        field += (field.empty() ? "" : ".") + open.key;
    }
    field = shorten(field);
    return false;
  }
  Json* place(Json value) {
    if (stack_.empty()) {
      root = std::move(value);
      return &root;
    }
    auto& top = *stack_.back().value;
    if (top.is_array()) {
      top.push_back(std::move(value));
      return &top.back();
    }
    auto& slot = top[stack_.back().key];
    slot = std::move(value);
    return &slot;
  }
  bool put(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json value) {
    if (stack_.size() >= limits::json_depth)
      return refuse(fmt::format("nested deeper than {} levels", limits::json_depth));
    stack_.push_back({place(std::move(value)), ""});
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }

  std::vector<Open> stack_;
};

Error field_error(std::string_view key, std::string_view wanted, const Json* found) {
  if (found == nullptr) return Error{Code::invalid, fmt::format("'{}' is missing", key)}.at_field(std::string(key));
  return Error{Code::invalid, fmt::format("'{}' must be {}, not {}", key, wanted, to_text(*found).substr(0, 80))}
      .at_field(std::string(key));
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view from) {
  // The parser takes a NUL byte for the end of the text, whatever follows it.
  if (text.find('\0') != std::string_view::npos)
    return Error{Code::invalid, "not valid JSON: it holds a NUL byte"}.at({.file = std::string(from)});
  StrictBuilder builder;
  const bool good = Json::sax_parse(text.begin(), text.end(), &builder);
  if (good) return std::move(builder.root);
  int line = 1, column = 1;
  for (size_t i = 0; i + 1 < builder.position && i < text.size(); ++i) {
    if (text[i] == '\n')
      ++line, column = 1;
    else
      ++column;
  }
  Where where{.file = std::string(from), .field = builder.field};
  if (builder.position > 0) where.line = line, where.column = column;
  return Error{Code::invalid, fmt::format("not valid JSON: {}", builder.problem)}.at(where);
}

std::string to_text(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }
std::string to_pretty(const Json& value) { return value.dump(2, ' ', false, Json::error_handler_t::replace); }

const Json* find(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(std::string(key));
  return it == object.end() ? nullptr : &*it;
}

Result<std::string> get_string(const Json& object, std::string_view key) {
  const Json* found = find(object, key);
  if (found == nullptr || !found->is_string()) return field_error(key, "a string", found);
  return found->get<std::string>();
}

Result<int64_t> get_integer(const Json& object, std::string_view key) {
  const Json* found = find(object, key);
  if (found == nullptr || !found->is_number_integer()) return field_error(key, "an integer", found);
  if (found->is_number_unsigned() && found->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
    return field_error(key, "an integer below 2^63", found);
  return found->get<int64_t>();
}

Result<double> get_number(const Json& object, std::string_view key) {
  const Json* found = find(object, key);
  if (found == nullptr || !found->is_number()) return field_error(key, "a number", found);
  return found->get<double>();
}

std::string string_or(const Json& object, std::string_view key, std::string_view otherwise) {
  const Json* found = find(object, key);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string(otherwise);
}

int64_t integer_or(const Json& object, std::string_view key, int64_t otherwise) {
  const Json* found = find(object, key);
  return found != nullptr && found->is_number_integer() ? found->get<int64_t>() : otherwise;
}

double number_or(const Json& object, std::string_view key, double otherwise) {
  const Json* found = find(object, key);
  return found != nullptr && found->is_number() ? found->get<double>() : otherwise;
}

}  // namespace millrace
