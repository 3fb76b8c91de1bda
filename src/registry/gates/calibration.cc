#include "stats/calibration.h"

#include <fmt/format.h>

#include "registry/gates/gate_kind.h"

namespace millrace::registry::gates {
namespace {

Json bins_of(const stats::Calibration& found) {
  Json out = Json::array();
  for (const auto& bin : found.bins)
    out.push_back({{"rows", bin.rows},
                   {"predicted", bin.predicted},
                   {"observed", bin.observed.value},
                   {"low", bin.observed.low},
                   {"high", bin.observed.high}});
  return out;
}

Result<GateOutcome> evaluate(const Json& parameters, const GateInput& input) {
  const double limit = parameters.at("max").get<double>(), level = parameters.at("interval").get<double>();
  if (!input.scored.problem().empty()) return gate_failed(input.scored.problem());
  MILLRACE_TRY(const auto rows, input.scored.pairs());
  MILLRACE_TRY(const auto found,
               stats::calibration(rows.labels, rows.scores, parameters.at("bins").get<int64_t>(), level));
  const auto& ece = found.ece;
  GateOutcome out{.ok = ece.value <= limit,
                  .value = measured_value(ece, level, static_cast<int64_t>(input.scored.rows()), limit),
                  .evidence = {{"bins", bins_of(found)}, {"max_error", found.max_error}}};
  const auto measured = fmt::format("the calibration error is {:.4f} over {} bins of {} rows", ece.value,
                                    found.bins.size(), input.scored.rows());
  out.reason = out.ok ? fmt::format("{}, at most {:g} is allowed", measured, limit)
                      : fmt::format(
                            "{}, and at most {:g} is allowed; calibrate the scores on rows that the model has not "
                            "seen, and nearer in time",
                            measured, limit);
  return out;
}

}  // namespace

GateKind calibration() {
  return {
      .name = "calibration",
      .summary = "expected calibration error over bins of equal numbers of held-out rows stays under a limit",
      .parameters =
          {{.name = "max", .form = GateParameter::Form::number, .summary = "the largest error", .low = 0, .high = 1},
           {.name = "bins",
            .form = GateParameter::Form::integer,
            .summary = "number of bins",
            .low = 2,
            .high = 1000,
            .otherwise = 20},
           interval_parameter("confidence of the interval shown")},
      .evaluate = evaluate};
}

}  // namespace millrace::registry::gates
