#include "data/inputs/reading.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/yaml.h"

namespace millrace::data {
namespace {

// Names that people give to characters which a shell or a YAML file hides.
std::optional<char> character_of(const std::string& text) {
  static const std::map<std::string, char> kNames{{"tab", '\t'},  {"\\t", '\t'},   {"comma", ','},  {"semicolon", ';'},
                                                  {"pipe", '|'},  {"space", ' '},  {"colon", ':'},  {"backslash", '\\'},
                                                  {"none", '\0'}, {"double", '"'}, {"single", '\''}};
  if (const auto named = kNames.find(text); named != kNames.end()) return named->second;
  if (text.size() != 1 || text[0] == '\n' || text[0] == '\r' || (text[0] & 0x80) != 0) return std::nullopt;
  return text[0];
}

Result<char> character(const std::string& name, const std::string& value) {
  const auto found = character_of(value);
  if (!found || (*found == '\0' && name == "delimiter"))
    return Error{Code::invalid, fmt::format("the {} is one character, not '{}'", name, value)}.hint(
        "write it, or its name: tab, comma, semicolon, pipe, space, colon, backslash, none");
  return *found;
}

Result<std::string> format_of(const std::string& value) {
  static const std::map<std::string, std::string> kAlso{
      {"json", "jsonl"}, {"ndjson", "jsonl"}, {"ipc", "arrow"}, {"feather", "arrow"}, {"tsv", "csv"}};
  const auto also = kAlso.find(value);
  const auto name = also == kAlso.end() ? value : also->second;
  if (std::find(formats().begin(), formats().end(), name) != formats().end()) return name;
  const auto near = did_you_mean(value, formats());
  return Error{Code::invalid, fmt::format("no format is called '{}'", value)}.hint(
      near ? fmt::format("did you mean '{}'?", *near) : fmt::format("one of {}", fmt::join(formats(), ", ")));
}

// A contract may describe what is not read here (delta, avro): its dialect then says nothing.
Result<void> take_server(const Json& server, const Contract& contract, Reading& reading) {
  const auto take = [&](const std::string& name, const std::string& value) -> Result<void> {
    auto set = set_reading(reading, name, value);
    if (!set)
      return std::move(set).error().at(
          {.file = contract.file, .field = fmt::format("servers.{}.{}", string_or(server, "server", ""), name)});
    return {};
  };
  if (const auto delimiter = string_or(server, "delimiter", "");
      !delimiter.empty() && delimiter != "new_line" && delimiter != "newline" && delimiter != "array")
    MILLRACE_DO(take("delimiter", delimiter));
  // The standard has a delimiter for some types of servers only.
  static constexpr std::string_view kProperties[] = {"delimiter", "encoding", "quote", "escape", "header"};
  const auto* more = find(server, "customProperties");
  if (more == nullptr || !more->is_array()) return {};
  for (const auto& item : *more) {
    const auto name = string_or(item, "property", "");
    const auto* value = find(item, "value");
    if (value == nullptr || !std::count(std::begin(kProperties), std::end(kProperties), name)) continue;
    MILLRACE_DO(take(name, value->is_boolean()  ? (value->get<bool>() ? "yes" : "no")
                           : value->is_string() ? value->get<std::string>()
                                                : to_text(*value)));
  }
  return {};
}

}  // namespace

const std::vector<std::string>& formats() {
  static const std::vector<std::string> all{"arrow", "csv", "jsonl", "parquet"};
  return all;
}

Result<void> set_reading(Reading& reading, const std::string& name, const std::string& value) {
  if (name == "format") {
    MILLRACE_TRY(reading.format, format_of(value));
  } else if (name == "encoding") {
    reading.encoding = value;
  } else if (name == "delimiter") {
    MILLRACE_TRY(reading.delimiter, character(name, value));
  } else if (name == "quote") {
    MILLRACE_TRY(reading.quote, character(name, value));
  } else if (name == "escape") {
    MILLRACE_TRY(reading.escape, character(name, value));
  } else if (value == "yes" || value == "no") {
    reading.no_header = value == "no";
  } else {
    return Error{Code::invalid, fmt::format("the {} is 'yes' or 'no', not '{}'", name, value)};
  }
  return {};
}

Result<Reading> reading_of(const Contract& contract, const std::string& server) {
  Reading reading;
  const auto* servers = find(contract.document, "servers");
  const bool any = servers != nullptr && servers->is_array() && !servers->empty();
  if (server.empty()) {
    if (any && servers->size() == 1) MILLRACE_DO(take_server((*servers)[0], contract, reading));
    return reading;
  }
  std::vector<std::string> names;
  for (const auto& one : any ? *servers : Json::array()) {
    names.push_back(string_or(one, "server", ""));
    if (names.back() != server) continue;
    MILLRACE_DO(take_server(one, contract, reading));
    return reading;
  }
  return Error{Code::not_found, fmt::format("the contract has no server '{}'", server)}
      .at({.file = contract.file})
      .hint(names.empty() ? "it has none" : fmt::format("it has {}", fmt::join(names, ", ")));
}

}  // namespace millrace::data
