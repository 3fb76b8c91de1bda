#include <algorithm>

#include <fmt/format.h>

#include "registry/gates/gate_kind.h"

namespace millrace::registry::gates {
namespace {

constexpr size_t kNamed = 5;  // offenders in the sentence; the report holds all

double share_of(const data::DatasetVersion& version) {
  return version.rows == 0 ? 0 : static_cast<double>(version.quarantined) / static_cast<double>(version.rows);
}

Result<GateOutcome> evaluate(const Json& parameters, const GateInput& input) {
  const double limit = parameters.at("max_quarantined").get<double>();
  if (input.data.empty())
    return gate_failed("no dataset version stands behind the model; name its datasets among the stages' deps");
  Json table = Json::array();
  std::vector<std::string> offenders;
  double worst = 0;
  int64_t rows = 0;
  for (const auto& version : input.data) {
    const double share = share_of(version);
    const bool taken = version.verdict == "accepted" || version.verdict == "quarantined";
    worst = std::max(worst, share);
    rows += version.rows;
    table.push_back({{"node", version.node()},
                     {"digest", version.digest},
                     {"contract", version.contract_digest},
                     {"verdict", version.verdict},
                     {"rows", version.rows},
                     {"quarantined", version.quarantined},
                     {"share", share},
                     {"ok", taken && share <= limit}});
    if (!taken)
      offenders.push_back(fmt::format("{} was {}", version.node(), version.verdict));
    else if (share > limit)
      offenders.push_back(fmt::format("{} has {} of {} rows in quarantine ({:.4g})", version.node(),
                                      version.quarantined, version.rows, share));
  }
  GateOutcome out{.ok = offenders.empty(),
                  .value = {{"value", worst}, {"limit", limit}, {"n", rows}},
                  .evidence = std::move(table)};
  if (out.ok) {
    out.reason = fmt::format(
        "all {} dataset versions behind the model kept their contracts; at most {:.4g} of a version's rows are in "
        "quarantine, {:.4g} are allowed",
        input.data.size(), worst, limit);
    return out;
  }
  const size_t more = offenders.size() > kNamed ? offenders.size() - kNamed : 0;
  offenders.resize(std::min(offenders.size(), kNamed));
  out.reason = fmt::format(
      "{}{}, and {:.4g} is allowed; repair the source and train again, or raise max_quarantined with a reason",
      fmt::join(offenders, "; "), more > 0 ? fmt::format("; and {} more", more) : "", limit);
  return out;
}

}  // namespace

GateKind contract_held() {
  return {
      .name = "contract_held",
      .summary = "every dataset version behind the model was accepted under its contract, with few rows in quarantine",
      .parameters = {{.name = "max_quarantined",
                      .form = GateParameter::Form::number,
                      .summary = "largest share of a version's rows in quarantine",
                      .low = 0,
                      .high = 1,
                      .otherwise = 0.01}},
      .evaluate = evaluate};
}

}  // namespace millrace::registry::gates
