#include <fmt/format.h>

#include "registry/gates/gate_kind.h"
#include "stats/interval.h"

namespace millrace::registry::gates {
namespace {

struct Worst {
  std::string column, group;
  stats::Interval recall;
  int64_t positives = 0;
  bool found = false;
};

struct Limits {
  double level = 0;
  int64_t rows = 0;
};

// One column's table. Groups that are too small, or have nothing to find, are listed and not judged.
Result<Json> judge(const std::string& column, const std::vector<GroupCount>& groups, const Limits& limits,
                   Worst& worst) {
  Json table = Json::array();
  for (const auto& group : groups) {
    Json line{{"group", group.group}, {"rows", group.rows}, {"positives", group.positives}, {"found", group.found}};
    const bool judged = group.rows >= limits.rows && group.positives > 0;
    line["judged"] = judged;
    if (group.positives > 0) {
      MILLRACE_TRY(const auto recall, stats::wilson(group.found, group.positives, limits.level));
      line["recall"] = recall.value;
      line["low"] = recall.low;
      line["high"] = recall.high;
      if (judged && (!worst.found || recall.value < worst.recall.value))
        worst = {column, group.group, recall, group.positives, true};
    }
    table.push_back(std::move(line));
  }
  return table;
}

bool judged_any(const Json& table) {
  for (const auto& line : table)
    if (line.at("judged").get<bool>()) return true;
  return false;
}

Result<GateOutcome> evaluate(const Json& parameters, const GateInput& input) {
  const double floor = parameters.at("min").get<double>();
  const Limits limits{.level = parameters.at("interval").get<double>(), .rows = parameters.at("rows").get<int64_t>()};
  if (!input.scored.problem().empty()) return gate_failed(input.scored.problem());
  if (!input.threshold)
    return gate_failed(
        "recall needs the score from which a row counts as positive, and it is not known; let the stage that scores "
        "write 'threshold' into its report");
  Worst worst;
  Json tables = Json::object();
  for (const auto& column : parameters.at("by")) {
    const auto name = column.get<std::string>();
    if (!input.scored.has(name))
      return gate_failed(fmt::format("the scored rows have no column '{}'; let the stage that scores write it", name),
                         tables);
    MILLRACE_TRY(const auto groups, input.scored.groups(name, *input.threshold));
    MILLRACE_TRY(tables[name], judge(name, groups, limits, worst));
    if (!judged_any(tables[name]))
      return gate_failed(fmt::format("no value of '{}' has {} held-out rows and a positive among them, so no group can "
                                     "be judged; hold out more rows, or lower 'rows'",
                                     name, limits.rows),
                         tables);
  }
  GateOutcome out{.ok = worst.recall.value >= floor,
                  .value = measured_value(worst.recall, limits.level, worst.positives, floor),
                  .evidence = {{"threshold", *input.threshold}, {"groups", std::move(tables)}}};
  out.value["group"] = fmt::format("{} {}", worst.column, worst.group);
  const auto measured =
      fmt::format("the worst recall is {:.4f} ({:.4f} to {:.4f}), for {} {} with {} positives", worst.recall.value,
                  worst.recall.low, worst.recall.high, worst.column, worst.group, worst.positives);
  out.reason = out.ok ? fmt::format("{}; at least {:g} is asked for", measured, floor)
                      : fmt::format(
                            "{}, and at least {:g} is asked for; look at that group's rows, or lower the threshold at "
                            "the price of more false warnings",
                            measured, floor);
  return out;
}

}  // namespace

GateKind group_recall() {
  return {
      .name = "group_recall",
      .summary = "recall at the threshold, for every value of some columns with enough rows: the worst reaches a floor",
      .parameters = {{.name = "by", .form = GateParameter::Form::names, .summary = "columns of the scored rows"},
                     {.name = "min",
                      .form = GateParameter::Form::number,
                      .summary = "the floor of the worst group",
                      .low = 0,
                      .high = 1},
                     {.name = "rows",
                      .form = GateParameter::Form::integer,
                      .summary = "fewest rows of a group that is judged",
                      .low = 1,
                      .high = 1e12,
                      .otherwise = 500},
                     interval_parameter("confidence of the interval shown")},
      .evaluate = evaluate};
}

}  // namespace millrace::registry::gates
