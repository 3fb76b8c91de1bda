#include "monitor/actions/action_kind.h"

#include <algorithm>
#include <array>

namespace millrace::monitor {

namespace actions {
#define MILLRACE_ALERT_ACTION(name) AlertAction name();
#include "monitor/actions/list.inc"
#undef MILLRACE_ALERT_ACTION
}  // namespace actions

const std::vector<AlertAction>& alert_actions() {
#define MILLRACE_ALERT_ACTION(name) actions::name(),
  static const std::vector<AlertAction> kinds{
#include "monitor/actions/list.inc"
  };
#undef MILLRACE_ALERT_ACTION
  return kinds;
}

Json chosen_action(std::vector<Json> answers, Micros at) {
  constexpr std::array<std::string_view, 4> order{"retrain", "refused", "review", "none"};
  const auto rank = [&](const Json& answer) {
    return std::find(order.begin(), order.end(), string_or(answer, "kind", "none")) - order.begin();
  };
  std::erase_if(answers, [](const Json& answer) { return answer.is_null(); });
  if (answers.empty())
    return {{"kind", "none"}, {"id", nullptr}, {"reason", "the policy asks for nothing"}, {"at", to_iso(at)}};
  std::stable_sort(answers.begin(), answers.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  Json out = std::move(answers.front());
  answers.erase(answers.begin());
  if (!answers.empty()) out["also"] = std::move(answers);
  return out;
}

std::string verdict_of(const StoredAlert& stored) { return string_or(stored.alert.trace, "verdict", ""); }

std::string broken_input(const StoredAlert& stored) {
  const bool input = stored.cause_kind == "data" || stored.cause_kind == "source";
  return verdict_of(stored) == "cause" && input ? stored.cause() : "";
}

}  // namespace millrace::monitor
