#include "registry/gates/gate_kind.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace millrace::registry {

namespace gates {
#define MILLRACE_GATE(name) GateKind name();
#include "registry/gates/list.inc"
#undef MILLRACE_GATE
}  // namespace gates

namespace {

std::string form_text(const GateParameter& parameter) {
  switch (parameter.form) {
    case GateParameter::Form::number: return fmt::format("a number from {} to {}", parameter.low, parameter.high);
    case GateParameter::Form::integer:
      return fmt::format("an integer from {:.0f} to {:.0f}", parameter.low, parameter.high);
    case GateParameter::Form::names: return "a list of columns";
  }
  return "";
}

Error out_of_range(const GateParameter& parameter, const Yaml& value) {
  return value.error(fmt::format("{} is {}, and must be {}", parameter.name,
                                 value.is_scalar() ? value.text() : "no such value", form_text(parameter)));
}

Result<Json> read_parameter(const GateParameter& parameter, const Yaml& value) {
  if (parameter.form == GateParameter::Form::names) {
    MILLRACE_TRY(auto names, value.strings());
    if (names.empty() || names.size() > 16)
      return value.error(fmt::format("{} names from 1 to 16 columns", parameter.name));
    for (const auto& name : names)
      if (std::count(names.begin(), names.end(), name) > 1)
        return value.error(fmt::format("the column '{}' stands here twice", name));
    return Json(std::move(names));
  }
  if (parameter.form == GateParameter::Form::integer) {
    auto number = value.integer();
    if (!number || static_cast<double>(*number) < parameter.low || static_cast<double>(*number) > parameter.high)
      return out_of_range(parameter, value);
    return Json(*number);
  }
  auto number = value.number();
  if (!number || !std::isfinite(*number) || *number < parameter.low || *number > parameter.high)
    return out_of_range(parameter, value);
  return Json(*number);
}

Error unknown_parameter(const GateKind& kind, const std::string& key, const Yaml& value) {
  std::vector<std::string> known;
  for (const auto& parameter : kind.parameters) known.emplace_back(parameter.name);
  Error error =
      Error{Code::invalid, fmt::format("the gate '{}' has no parameter '{}'", kind.name, key)}.at(value.where());
  if (const auto near = did_you_mean(key, known))
    error.hint(fmt::format("did you mean '{}'?", *near));
  else
    error.hint(known.empty() ? std::string("it has none") : fmt::format("it has: {}", fmt::join(known, ", ")));
  return error;
}

}  // namespace

const std::vector<GateKind>& gate_kinds() {
#define MILLRACE_GATE(name) gates::name(),
  static const std::vector<GateKind> kinds{
#include "registry/gates/list.inc"
  };
#undef MILLRACE_GATE
  return kinds;
}

const GateKind* find_gate_kind(std::string_view name) {
  for (const auto& kind : gate_kinds())
    if (kind.name == name) return &kind;
  return nullptr;
}

Result<Json> read_gate_parameters(const GateKind& kind, const Yaml* given, const Yaml& at) {
  if (given != nullptr && !given->is_map() && !given->is_null())
    return given->error(fmt::format("the parameters of the gate '{}' are keys and values", kind.name));
  if (given != nullptr)
    for (const auto& [key, value] : given->entries())
      if (std::none_of(kind.parameters.begin(), kind.parameters.end(),
                       [&key = key](const auto& p) { return p.name == key; }))
        return unknown_parameter(kind, key, value);
  Json out = Json::object();
  for (const auto& parameter : kind.parameters) {
    const auto* value = given != nullptr ? given->find(parameter.name) : nullptr;
    if (value == nullptr && parameter.otherwise.is_null())
      return at.error(fmt::format("the gate '{}' needs '{}'", kind.name, parameter.name))
          .hint(fmt::format("{}: {}, {}", parameter.name, form_text(parameter), parameter.summary));
    if (value == nullptr) {
      out[std::string(parameter.name)] = parameter.otherwise;
      continue;
    }
    MILLRACE_TRY(out[std::string(parameter.name)], read_parameter(parameter, *value));
  }
  return out;
}

std::string describe_gates() {
  std::string out = "# Gates\n";
  for (const auto& kind : gate_kinds()) {
    out += fmt::format("\n## {}\n\n{}\n", kind.name, kind.summary);
    if (!kind.parameters.empty()) out += "\n| parameter | value | default | meaning |\n|---|---|---|---|\n";
    for (const auto& parameter : kind.parameters)
      out += fmt::format("| `{}` | {} | {} | {} |\n", parameter.name, form_text(parameter),
                         parameter.otherwise.is_null() ? "required" : to_text(parameter.otherwise), parameter.summary);
  }
  return out;
}

GateParameter interval_parameter(std::string_view summary) {
  return {.name = "interval",
          .form = GateParameter::Form::number,
          .summary = summary,
          .low = 0.5,
          .high = 0.9999,
          .otherwise = 0.95};
}

Json measured_value(const stats::Interval& estimate, double level, int64_t n, double limit) {
  return {{"value", estimate.value}, {"low", estimate.low}, {"high", estimate.high}, {"level", level}, {"n", n},
          {"limit", limit}};
}

GateOutcome gate_failed(std::string reason, Json evidence) {
  return {.ok = false, .value = nullptr, .reason = std::move(reason), .evidence = std::move(evidence)};
}

}  // namespace millrace::registry
