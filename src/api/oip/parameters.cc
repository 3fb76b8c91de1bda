#include "api/oip/parameters.h"

#include <optional>

#include <fmt/format.h>

#include "api/oip/call.h"

namespace millrace::api::oip {
namespace {
using serve::InferRequest;

Result<void> text(const ParameterValue& value, const std::string& at, std::string& out) {
  const auto* given = std::get_if<std::string_view>(&value);
  if (given == nullptr) return bad("a text is expected", at);
  MILLRACE_DO(check_text(*given, at));
  out = *given;
  return {};
}

Result<void> unit(const ParameterValue& value, const std::string& at, InferRequest& out) {
  return text(value, at, out.unit);
}
Result<void> input(const ParameterValue& value, const std::string& at, InferRequest& out) {
  return text(value, at, out.input);
}

Result<void> event_time(const ParameterValue& value, const std::string& at, InferRequest& out) {
  if (const auto* micros = std::get_if<int64_t>(&value)) {
    if (*micros <= 0) return bad("microseconds since 1970 are expected", at);
    out.event_time = *micros;
    return {};
  }
  std::string written;
  if (auto is_text = text(value, at, written); !is_text)
    return bad("a time is expected: text like 2013-07-01T05:00:00Z, or microseconds since 1970", at);
  auto time = parse_time(written);
  if (!time) return std::move(time).error().at_field(at);
  out.event_time = *time;
  return {};
}

std::optional<uint64_t> whole(const ParameterValue& value) {
  if (const auto* is = std::get_if<uint64_t>(&value)) return *is;
  const auto* is = std::get_if<int64_t>(&value);
  return is != nullptr && *is >= 0 ? std::optional(static_cast<uint64_t>(*is)) : std::nullopt;
}

// What clients of the protocol's reference server send by themselves.

Result<void> timeout(const ParameterValue& value, const std::string& at, InferRequest& out) {
  const auto micros = whole(value);
  if (!micros || *micros > INT64_MAX) return bad("a whole number of microseconds is expected", at);
  out.timeout = static_cast<Micros>(*micros);
  return {};
}

// All requests have one priority.
Result<void> priority(const ParameterValue& value, const std::string& at, InferRequest&) {
  return whole(value) ? Result<void>() : bad("a whole number is expected", at);
}

Result<void> no_sequence(const ParameterValue& value, const std::string& at, InferRequest&) {
  const auto* flag = std::get_if<bool>(&value);
  const auto* text = std::get_if<std::string_view>(&value);
  const bool id = at.ends_with("_id");
  if (id ? whole(value) == std::optional<uint64_t>(0) || (text != nullptr && text->empty()) : flag != nullptr && !*flag)
    return {};
  return bad("sequences are not served: models keep nothing between requests", at).hint("leave it out");
}

struct Known {
  std::string_view name;
  Result<void> (*read)(const ParameterValue& value, const std::string& at, InferRequest& out);
};
constexpr Known kKnown[] = {{"millrace_event_time", event_time},
                            {"millrace_input", input},
                            {"millrace_unit", unit},
                            {"priority", priority},
                            {"sequence_end", no_sequence},
                            {"sequence_id", no_sequence},
                            {"sequence_start", no_sequence},
                            {"timeout", timeout}};

}  // namespace

Result<void> read_parameter(std::string_view name, const ParameterValue& value, std::string_view also,
                            InferRequest& out) {
  const std::string at = fmt::format("parameters.{}", name.substr(0, kTextBytes));
  std::string known(also);
  for (const auto& each : kKnown) {
    if (each.name == name) return each.read(value, at, out);
    known += (known.empty() ? "" : ", ") + std::string(each.name);
  }
  return bad("this parameter is not known", at).hint("known are " + known);
}

}  // namespace millrace::api::oip
