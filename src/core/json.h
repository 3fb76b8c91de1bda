// JSON documents. Keys are kept sorted, so to_text() is canonical and can be hashed.
// Hot inference bodies do not come through here (serve uses simdjson).
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/result.h"

namespace millrace {

using Json = nlohmann::json;

// Strict: one document, valid UTF-8, no duplicate keys, no trailing text, bounded depth and size. Never throws.
// `from` names the document in errors (a path or "request body").
Result<Json> parse_json(std::string_view text, std::string_view from);
// Canonical, compact; invalid UTF-8 in strings is replaced (U+FFFD), never thrown on.
std::string to_text(const Json& value);
std::string to_pretty(const Json& value);

// Field access that answers an Error with the field's name instead of throwing.
Result<std::string> get_string(const Json& object, std::string_view key);
Result<int64_t> get_integer(const Json& object, std::string_view key);
Result<double> get_number(const Json& object, std::string_view key);
std::string string_or(const Json& object, std::string_view key, std::string_view otherwise);
int64_t integer_or(const Json& object, std::string_view key, int64_t otherwise);
double number_or(const Json& object, std::string_view key, double otherwise);
const Json* find(const Json& object, std::string_view key);  // nullptr when absent or not an object

}  // namespace millrace
