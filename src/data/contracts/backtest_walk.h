// Rules that are judged by the versions before (distributions, anomalies), at each version of a stored history as they
// would have been judged then: by the profiles of what came before it and was not rejected.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "data/checks/check_kind.h"
#include "data/contracts/backtest.h"
#include "data/profiles/profile.h"

namespace millrace::data {

class BacktestWalk {
 public:
  // `rules` and `versions` must outlive it. Reads each profile once.
  BacktestWalk(const Object& object, const std::vector<Rule>& rules, const std::vector<PastVersion>& versions);

  // The rule's value at versions[i] of the constructor. Without one: why there was nothing to judge.
  Outcome judge(const Rule& rule, size_t version) const;
  // How often a month all anomaly rules together may raise a false alarm, as they say it; nothing without such rules.
  std::optional<double> budget() const;

 private:
  History before(size_t version) const;

  const std::vector<Rule>& rules_;
  const std::vector<PastVersion>& versions_;
  std::vector<std::shared_ptr<const Json>> told_;  // of each version, as it was kept; nullptr without
  std::vector<Profile> profiles_;
  std::vector<size_t> order_;  // the oldest first
  size_t anomaly_rules_ = 0;
};

}  // namespace millrace::data
