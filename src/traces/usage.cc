#include "traces/usage.h"

#include <cmath>
#include <optional>
#include <unordered_map>

namespace millrace::traces {
namespace {

void add(Json& total, const Json& usage) {
  for (const auto& [name, value] : usage.items()) {
    auto& sum = total[name];
    const bool whole = value.is_number_integer() && (sum.is_null() || sum.is_number_integer());
    const auto after = (sum.is_null() ? 0.0 : sum.get<double>()) + value.get<double>();
    if (whole && std::abs(after) < 9007199254740992.0)
      sum = static_cast<int64_t>(after);
    else
      sum = after;
  }
}

}  // namespace

Json total_usage(const std::vector<UsageNode>& nodes) {
  std::unordered_map<std::string, size_t> by_id;
  for (size_t i = 0; i < nodes.size(); ++i) by_id.emplace(nodes[i].id, i);
  // Whether a span or one above it says something; walked up once, then written down the way back.
  std::vector<std::optional<bool>> spoken(nodes.size());
  const auto speaks = [&](size_t at) {
    std::vector<size_t> way;
    bool answer = false;
    for (std::optional<size_t> next = at; next;) {
      if (spoken[*next]) {
        answer = *spoken[*next];
        break;
      }
      way.push_back(*next);
      answer = !nodes[*next].usage.is_null();
      if (answer) break;
      spoken[*next] = false;  // until known; a circle ends here
      const auto up = by_id.find(nodes[*next].parent_id);
      next = up == by_id.end() ? std::nullopt : std::optional(up->second);
    }
    for (const auto each : way) spoken[each] = answer;
    return answer;
  };
  Json total = Json::object();
  for (const auto& node : nodes) {
    if (node.usage.is_null()) continue;
    const auto up = by_id.find(node.parent_id);
    if (up == by_id.end() || !speaks(up->second)) add(total, node.usage);
  }
  return total;
}

}  // namespace millrace::traces
