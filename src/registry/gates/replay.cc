#include <fmt/format.h>

#include "registry/gates/gate_kind.h"
#include "stats/interval.h"

namespace millrace::registry::gates {
namespace {

constexpr double kLevel = 0.95;

const Json& at(const Json& json, std::string_view key) {
  static const Json none;
  const auto* found = find(json, key);
  return found == nullptr ? none : *found;
}

// One deployment's traffic.
struct Looked {
  std::string deployment;
  int64_t rows = 0, flips = 0, lost = 0;
  double mean = 0;
  stats::Interval flip_rate;
  double lost_share() const { return static_cast<double>(lost) / static_cast<double>(rows + lost); }
};

Result<Looked> look_at(const Json& report) {
  const auto& replay = at(report, "replay");
  Looked out{.deployment = string_or(report, "deployment", ""),
             .rows = integer_or(report, "rows", 0),
             .flips = integer_or(report, "flips", 0),
             .lost = integer_or(replay, "refused", 0) + integer_or(replay, "failed", 0),
             .mean = number_or(report, "mean_abs", 0)};
  MILLRACE_TRY(out.flip_rate, stats::wilson(out.flips, out.rows, kLevel));
  return out;
}

// Why this deployment's traffic speaks against the version, "" when it does not.
std::string against(const Json& parameters, const Looked& it) {
  const auto limit = [&](const char* key) { return parameters.at(key).get<double>(); };
  if (it.rows < parameters.at("rows").get<int64_t>())
    return fmt::format(
        "only {} rows of '{}' could be compared, and {} are asked for; wait for more requests, take a "
        "longer 'period', or lower 'rows'",
        it.rows, it.deployment, parameters.at("rows").get<int64_t>());
  if (it.flip_rate.value > limit("max_flips"))
    return fmt::format(
        "{:.4f} ({:.4f} to {:.4f}) of {} rows of '{}' would be decided otherwise, and at most {:g} is "
        "allowed; look at the segments that flip most: millrace release replay {}",
        it.flip_rate.value, it.flip_rate.low, it.flip_rate.high, it.rows, it.deployment, limit("max_flips"),
        it.deployment);
  if (parameters.at("max_mean").is_number() && it.mean > limit("max_mean"))
    return fmt::format(
        "the scores of '{}' would differ by {:.4g} in the mean, and at most {:g} is allowed; look at the "
        "segments that differ most: millrace release replay {}",
        it.deployment, it.mean, limit("max_mean"), it.deployment);
  if (it.lost_share() > limit("max_lost"))
    return fmt::format(
        "{} of {} rows of '{}' would have no answer: its contract refuses them, or it fails on them; at "
        "most {:g} of them may",
        it.lost, it.rows + it.lost, it.deployment, limit("max_lost"));
  return "";
}

Result<GateOutcome> evaluate(const Json& parameters, const GateInput& input) {
  if (!input.replay) return gate_failed("requests cannot be replayed here; evaluate the gates on the server");
  auto reports = input.replay(parameters.at("period").get<int64_t>());
  if (!reports) {
    const auto code = reports.error().code();
    if (code != Code::rejected && code != Code::invalid && code != Code::unsupported) return reports.error();
    return gate_failed(reports.error().message());
  }
  GateOutcome out{.ok = true, .evidence = Json::array()};
  if (reports->empty())
    out.reason = fmt::format(
        "no deployment of the model has answered a request in the last {} days, so there is "
        "nothing that could be replayed",
        parameters.at("period").get<int64_t>());
  double most = -1;
  for (auto& report : *reports) {
    MILLRACE_TRY(const auto it, look_at(report));
    const auto said = against(parameters, it);
    if (it.flip_rate.value > most) {
      most = it.flip_rate.value;
      out.value = measured_value(it.flip_rate, kLevel, it.rows, parameters.at("max_flips").get<double>());
      out.value["group"] = it.deployment;
    }
    if (out.ok && !said.empty()) {
      out.ok = false;
      out.reason = said;
    } else if (out.ok) {
      out.reason += fmt::format(
          "{}{:.4f} ({:.4f} to {:.4f}) of {} rows of '{}' would be decided otherwise, and the "
          "scores differ by {:.4g} in the mean",
          out.reason.empty() ? "" : "; ", it.flip_rate.value, it.flip_rate.low, it.flip_rate.high, it.rows,
          it.deployment, it.mean);
    }
    out.evidence.push_back(std::move(report));
  }
  return out;
}

}  // namespace

GateKind replay() {
  using Form = GateParameter::Form;
  return {.name = "replay",
          .summary =
              "the requests that the model's deployments have had lately, through this version: few rows are "
              "decided otherwise, and few are lost; passed where there was no traffic yet",
          .parameters = {{.name = "max_flips",
                          .form = Form::number,
                          .summary = "largest share of the rows whose decision differs",
                          .low = 0,
                          .high = 1},
                         {.name = "max_mean",
                          .form = Form::number,
                          .summary = "largest mean of the absolute difference of the scores",
                          .low = 0,
                          .high = 1e12,
                          .otherwise = "no limit"},
                         {.name = "max_lost",
                          .form = Form::number,
                          .summary = "largest share of the rows that its contract refuses or that it fails on",
                          .low = 0,
                          .high = 1,
                          .otherwise = 0.01},
                         {.name = "period",
                          .form = Form::integer,
                          .summary = "days of event time up to now whose requests are replayed",
                          .low = 1,
                          .high = 3660,
                          .otherwise = 30},
                         {.name = "rows",
                          .form = Form::integer,
                          .summary = "fewest rows that say something",
                          .low = 1,
                          .high = 1e12,
                          .otherwise = 100}},
          .evaluate = evaluate};
}

}  // namespace millrace::registry::gates
