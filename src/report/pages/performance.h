// How well a deployment's answers came true, over time.
#pragma once
#include "report/pages/features.h"

namespace millrace::report {

// {deployment,
//  metrics: [{metric, title, series: [{arm, model, version, points: [{from, to, value, low, high, n}]}],
//             reference: {value, low, high, version} | null, threshold: {warn, page, below} | null}],
//  markers: [{at, kind: release | retrain | alert, text, node, severity}], oldest first
//  calibration: {from, to, arm, version, bins: [{rows, predicted, observed: {value, low, high, n}}]} | null,
//  confusion: {from, to, arm, version, threshold, tp, fp, fn, tn} | null,
//  labels: [{from, to, labels, requests, share}], lag: {median_s, p90_s, n} | null}
// Series are of the arms stable, canary and shadow, an arm and version each. reference is what the gates measured of
// the version that is stable now. lag is not known of deployments that live in replayed time.
Result<Json> performance_page(const PageSources& sources, const std::string& workspace, const Project* project,
                              const std::string& deployment, const WindowChoice& choice);

}  // namespace millrace::report
