#include "registry/release/review_rules.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/ids.h"

namespace millrace::registry {
namespace {

constexpr std::string_view kExample = "write e.g. review: [{name: unsure, when: \"score BETWEEN 0.45 AND 0.55\"}]";

bool is_share(double share) { return share > 0 && share <= 1; }

bool says_something(const ReviewRule& rule) { return !rule.when.empty() || !rule.flag.empty() || rule.share < 1; }

bool has_name(const std::vector<ReviewRule>& rules, const std::string& name) {
  return std::any_of(rules.begin(), rules.end(), [&](const ReviewRule& rule) { return rule.name == name; });
}

Result<void> read_condition(const Yaml& when, ReviewRule& rule) {
  MILLRACE_TRY(rule.when, when.string());
  if (rule.when.empty()) return when.error("the condition is empty").hint(std::string(kExample));
  if (rule.when.size() > limits::review_condition_bytes)
    return when.error(fmt::format("a condition has at most {} bytes", limits::review_condition_bytes))
        .hint("split it into several rules");
  return {};
}

Result<ReviewRule> read_rule(const Yaml& item, size_t number) {
  if (!item.is_map()) return item.error("a rule of review is a map").hint(std::string(kExample));
  MILLRACE_DO(item.only_keys({"name", "when", "flag", "share"}));
  ReviewRule out{.name = item.string_or("name", fmt::format("rule-{}", number)), .when = "", .flag = ""};
  if (!is_name(out.name))
    return item.find("name")
        ->error(fmt::format("'{}' is not a name of a rule", out.name.substr(0, 100)))
        .hint("letters, digits, '_', '-' and '.'");
  if (const auto* when = item.find("when")) MILLRACE_DO(read_condition(*when, out));
  if (const auto* flag = item.find("flag")) {
    MILLRACE_TRY(out.flag, flag->string());
    if (out.flag.empty()) return flag->error("the flag is empty").hint("write flag: any, or the name of a field");
  }
  if (const auto* share = item.find("share")) {
    MILLRACE_TRY(out.share, share->number());
    if (!is_share(out.share))
      return share->error(fmt::format("share is {}, and must be above 0 and at most 1", share->text()))
          .hint("0.1 sends a tenth of the units to people");
  }
  if (!says_something(out))
    return item.error(fmt::format("the rule '{}' sends every request to people", out.name))
        .hint("give it when, flag, or a share below 1");
  return out;
}

}  // namespace

Result<std::vector<ReviewRule>> read_review(const Yaml& node) {
  std::vector<ReviewRule> out;
  if (!node.is_list()) return node.error("review is a list of rules").hint(std::string(kExample));
  if (node.items().size() > limits::review_rules)
    return node.error(fmt::format("a deployment has at most {} rules of review", limits::review_rules));
  for (const auto& item : node.items()) {
    MILLRACE_TRY(auto rule, read_rule(item, out.size() + 1));
    if (has_name(out, rule.name)) return item.error(fmt::format("the rule '{}' stands here twice", rule.name));
    out.push_back(std::move(rule));
  }
  return out;
}

Json to_json(const std::vector<ReviewRule>& rules) {
  Json out = Json::array();
  for (const auto& rule : rules)
    out.push_back({{"name", rule.name}, {"when", rule.when}, {"flag", rule.flag}, {"share", rule.share}});
  return out;
}

Result<std::vector<ReviewRule>> review_of_json(const Json& json) {
  const Error damaged = Error{Code::corrupt, "the rules of review are not as they were written"}.at_field("review");
  if (!json.is_array() || json.size() > limits::review_rules) return damaged;
  std::vector<ReviewRule> out;
  for (const auto& each : json) {
    ReviewRule rule{.name = string_or(each, "name", ""),
                    .when = string_or(each, "when", ""),
                    .flag = string_or(each, "flag", ""),
                    .share = number_or(each, "share", 0)};
    if (!is_name(rule.name) || !is_share(rule.share) || !says_something(rule) || has_name(out, rule.name))
      return damaged;
    out.push_back(std::move(rule));
  }
  return out;
}

}  // namespace millrace::registry
