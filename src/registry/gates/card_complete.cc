#include <fmt/format.h>

#include "registry/cards/fields.h"
#include "registry/gates/gate_kind.h"

namespace millrace::registry::gates {
namespace {

bool says_nothing(const std::string& text) { return text.find_first_not_of(" \t\r\n.-?") == std::string::npos; }

Result<GateOutcome> evaluate(const Json&, const GateInput& input) {
  std::vector<std::string> missing;
  int64_t asked = 0;
  Json fields = Json::object();
  for (const auto& field : kCardFields) {
    const bool given = !says_nothing(string_or(input.card, field.key, ""));
    fields[std::string(field.key)] = {{"given", given}, {"required", field.required}};
    if (!field.required) continue;
    ++asked;
    if (!given) missing.emplace_back(field.key);
  }
  GateOutcome out{.ok = missing.empty(),
                  .value = {{"value", asked - static_cast<int64_t>(missing.size())}, {"limit", asked}},
                  .evidence = std::move(fields)};
  out.reason = out.ok ? fmt::format("all {} fields that people must fill in are given", asked)
                      : fmt::format("the card says nothing of {}; write it below 'card' of the model in millrace.yaml",
                                    fmt::join(missing, ", "));
  return out;
}

}  // namespace

GateKind card_complete() {
  return {.name = "card_complete",
          .summary = "people have said what the model is for, where it fails, and who answers for it",
          .parameters = {},
          .evaluate = evaluate};
}

}  // namespace millrace::registry::gates
