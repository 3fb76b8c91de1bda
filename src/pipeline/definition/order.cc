#include "pipeline/definition/order.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace millrace::pipeline {
namespace {

// The stages of one cycle among those that nothing frees: going from any of them to a dep that is stuck too must come
// round.
Error cycle(const std::map<std::string, const Stage*>& stuck) {
  std::vector<std::string> path{stuck.begin()->first};
  const Where* place = nullptr;
  while (true) {
    const Stage& stage = *stuck.at(path.back());
    const auto next = std::find_if(stage.stages.begin(), stage.stages.end(),
                                   [&](const auto& dep) { return stuck.contains(dep.name); });
    place = &next->where;
    const auto seen = std::find(path.begin(), path.end(), next->name);
    const bool round = seen != path.end();
    path.push_back(next->name);
    if (!round) continue;
    path.erase(path.begin(), path.begin() + (std::find(path.begin(), path.end() - 1, path.back()) - path.begin()));
    return Error{Code::invalid, fmt::format("the stages need each other in a circle: {}", fmt::join(path, " -> "))}
        .at(*place)
        .hint("take one of these deps away");
  }
}

}  // namespace

Result<std::vector<Stage>> in_order(std::vector<Stage> stages) {
  std::vector<Stage> out;
  std::set<std::string> done;
  std::vector<bool> used(stages.size(), false);
  while (out.size() < stages.size()) {
    size_t next = 0;
    const auto ready = [&](const Stage& stage) {
      return std::all_of(stage.stages.begin(), stage.stages.end(),
                         [&](const auto& dep) { return done.contains(dep.name); });
    };
    while (next < stages.size() && (used[next] || !ready(stages[next]))) ++next;
    if (next == stages.size()) break;
    used[next] = true;
    done.insert(stages[next].name);
    out.push_back(std::move(stages[next]));
  }
  if (out.size() == stages.size()) return out;
  std::map<std::string, const Stage*> stuck;
  for (size_t i = 0; i < stages.size(); ++i)
    if (!used[i]) stuck[stages[i].name] = &stages[i];
  return cycle(stuck);
}

const Stage* Pipeline::find(std::string_view stage) const {
  const auto found = std::find_if(stages.begin(), stages.end(), [&](const auto& s) { return s.name == stage; });
  return found == stages.end() ? nullptr : &*found;
}

Result<std::vector<const Stage*>> Pipeline::select(const std::vector<std::string>& wanted) const {
  std::set<std::string> needed;
  for (const auto& name : wanted) {
    if (find(name) == nullptr) {
      std::vector<std::string> known;
      for (const auto& stage : stages) known.push_back(stage.name);
      const auto near = did_you_mean(name, known);
      return Error{Code::not_found, fmt::format("there is no stage '{}'", name)}.hint(
          near ? fmt::format("did you mean '{}'?", *near) : fmt::format("the stages are: {}", fmt::join(known, ", ")));
    }
    needed.insert(name);
  }
  // Backwards, every stage is met before those that it needs.
  std::vector<const Stage*> out;
  for (auto stage = stages.rbegin(); stage != stages.rend(); ++stage) {
    if (!wanted.empty() && !needed.contains(stage->name)) continue;
    for (const auto& dep : stage->stages) needed.insert(dep.name);
    out.push_back(&*stage);
  }
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace millrace::pipeline
