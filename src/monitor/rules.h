// Which rules of a monitor the windows of one look break, by how much, and on what evidence. Pure: no store, no clock.
//
// A rule watches one metric and breaks beyond its warn or its page limit (at the limit it holds); one of the two may be
// missing. What makes a verdict:
//  - Enough rows. A window with fewer requests (labels for performance, rows on either side for a comparison with the
//    reference) than the monitor's min_rows decides nothing: the verdict is `undecided`.
//  - A page needs certainty: where the metric has a 95 % interval (performance, and every share, by Wilson's score) the
//    whole interval must lie beyond the page limit. A warning needs the point estimate only. A quarantine rate of a
//    batch with fewer rows than min_rows needs the interval for both, because batches are as small as they are.
//  - Drift is an effect, not a p-value: PSI or Jensen-Shannon divergence beyond the limit, with the effect size beside
//    it. But it must also be more than sampling gives: without a change PSI is about (1/n + 1/m) times chi-squared with
//    (bins - 1) degrees of freedom (Yurdakul 2018, "Statistical properties of population stability index"), and JS in
//    bits 1/(8 ln 2) of it. A value that chance alone reaches in more than one of 1,000 windows breaks nothing.
//  - `clear` is hysteresis: the value lies a tenth of the way from the loosest limit to the best possible value (0 for
//    distances, rates, errors and times, 1 for AUC, recall and precision) on the good side. An alert resolves by itself
//    only in the clear.
// Inputs (drift of inputs, nulls, refusals, quarantine) are judged in the window of all arms, answers (drift of the
// score, performance, latency) in the window of each arm and version.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "data/datasets/datasets.h"
#include "monitor/records.h"
#include "monitor/spec.h"

namespace millrace::monitor {

// One thing that is watched.
struct AlertKey {
  std::string kind, subject, arm;
  int64_t version = 0;
  friend bool operator==(const AlertKey&, const AlertKey&) = default;
};

enum class Verdict { undecided, holds, breaks };

struct Judgement {
  AlertKey key;
  Verdict verdict = Verdict::undecided;
  bool clear = false;    // it holds with room to spare
  std::string severity;  // warn or page, when it breaks
  double value = 0, limit = 0;
  // {metric, value, limit, direction: above | below, n, interval: {low, high} | null, text, ...}; drift adds effect,
  // effect_kind, reference_n, chance and the column's summary; quarantine its dataset versions.
  Json evidence = Json::object();
};

struct RuleInput {
  const MonitorSpec& spec;
  const std::vector<data::DatasetVersion>& batches;  // that overlap the period and feed the deployment
  const std::vector<AlertKey>& open;  // with an alert that is not resolved: what no longer shows is judged too
};

// At most one judgement a key: rules about one subject (psi and js of one column) are judged together, the worst
// counts.
std::vector<Judgement> judge(const RuleInput& input, const std::vector<Window>& windows);

// Nothing watches the key any more, and the windows are large enough to say so: its rule is gone, its column is no
// input of the model, or its version is off the arm.
bool is_unwatched(const AlertKey& key, const MonitorSpec& spec, const std::vector<Window>& windows);

// The names of what there is to watch, in order; a kind is one row of the table in rules.cc.
std::vector<std::string_view> rule_kinds();

}  // namespace millrace::monitor
