#include <fmt/format.h>

#include "registry/gates/gate_kind.h"
#include "stats/ranking.h"

namespace millrace::registry::gates {
namespace {

Result<GateOutcome> evaluate(const Json& parameters, const GateInput& input) {
  const double floor = parameters.at("min").get<double>(), level = parameters.at("interval").get<double>();
  if (!input.scored.problem().empty()) return gate_failed(input.scored.problem());
  const int64_t positives = input.scored.positives(), negatives = input.scored.rows() - positives;
  if (positives == 0 || negatives == 0)
    return gate_failed(fmt::format("AUC compares two classes, and all {} held-out rows are {}; hold out rows of both",
                                   input.scored.rows(), positives == 0 ? "negative" : "positive"));
  MILLRACE_TRY(const auto rows, input.scored.pairs());
  MILLRACE_TRY(const auto found, stats::roc_auc(rows.labels, rows.scores, level));
  const auto& auc = found.auc;
  GateOutcome out{
      .ok = auc.low >= floor,
      .value = measured_value({auc.value, auc.low, auc.high}, level, static_cast<int64_t>(input.scored.rows()), floor),
      .evidence = {{"positives", positives}, {"negatives", negatives}, {"variance", found.variance}}};
  const auto measured = fmt::format("AUC is {:.4f} on {} rows, and the lower end of its {:g} % interval, {:.4f},",
                                    auc.value, input.scored.rows(), level * 100, auc.low);
  if (out.ok)
    out.reason = fmt::format("{} reaches {:g}", measured, floor);
  else if (auc.value >= floor)
    out.reason = fmt::format("{} is below {:g}; more held-out rows would narrow the interval", measured, floor);
  else
    out.reason = fmt::format("{} is below {:g}; the model has to rank better: other features, parameters or more data",
                             measured, floor);
  return out;
}

}  // namespace

GateKind auc() {
  return {
      .name = "auc",
      .summary = "area under the ROC curve over held-out rows: the lower end of DeLong's interval reaches a floor",
      .parameters = {{.name = "min", .form = GateParameter::Form::number, .summary = "the floor", .low = 0, .high = 1},
                     interval_parameter("confidence of the interval")},
      .evaluate = evaluate};
}

}  // namespace millrace::registry::gates
