// What a deployment is fed, feature by feature, beside what its model was taught.
#pragma once
#include "report/pages/sources.h"

namespace millrace::report {

// Which windows a page shows.
struct WindowChoice {
  std::string arm = "all";
  int64_t periods = 12;     // the newest
  Micros from = 0, to = 0;  // or those of a time; 0 = no bound
};

struct FeaturesPage {
  Json windows;                // [{node, from, to, arm, model, version, requests}], oldest first
  std::vector<Json> features;  // worst first: {feature, role, type, psi: [a window each], js, nulls, n, importance,
                               // threshold: {psi, js, nulls: {warn, page} | null}, alerts, open_alerts}
};
Result<FeaturesPage> features_page(const PageSources& sources, const std::string& workspace, const Project* project,
                                   const std::string& deployment, const WindowChoice& choice);

// {deployment, feature, role, type, edges | categories, reference,
//  references: [{node, model, version, edges | categories, counts, n, null_rate, mean}],
//  windows: [{from, to, arm, model, version, reference: its place in references, counts, n, nulls, mean, psi, js,
//             effect, effect_kind}], threshold, alerts: [headlines]}
// Counts of numbers have one more entry than edges, and one for nulls at the end; those of texts one a category, one
// for all others, one for nulls. `edges` and `reference` are those of the newest window. not_found when no window has
// the feature.
Result<Json> feature_page(const PageSources& sources, const std::string& workspace, const Project* project,
                          const std::string& deployment, const std::string& feature, const WindowChoice& choice);

}  // namespace millrace::report
