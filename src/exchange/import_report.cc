#include "exchange/import_report.h"

#include <fmt/format.h>

#include "core/limits.h"
#include "core/limits/exchange_limits.h"

namespace millrace::exchange {

void ImportReport::refuse(const std::string& kind, const std::string& id, const Error& why) {
  source_digest_.update(fmt::format("{} {} refused\n", kind, id));
  if (static_cast<size_t>(refused_++) < limits::exchange_complaints)
    refusals_.push_back({{"kind", kind}, {"id", id}, {"why", why.text()}});
}

void ImportReport::compare(const std::string& kind, const std::string& id, const std::string& source,
                           const std::string& here) {
  source_digest_.update(fmt::format("{} {} {}\n", kind, id, source));
  here_digest_.update(fmt::format("{} {} {}\n", kind, id, here));
  if (source == here) {
    ++equal_;
    return;
  }
  if (static_cast<size_t>(differing_++) < limits::exchange_complaints)
    differences_.push_back({{"kind", kind}, {"id", id}, {"source", source}, {"here", here}});
}

Json ImportReport::to_json(bool dry_run) {
  Json items = Json::array();
  const auto item = [&](const char* what, int64_t source, int64_t here) {
    Json one{{"what", what}, {"source", source}};
    if (!dry_run) one["here"] = here;
    items.push_back(std::move(one));
  };
  item("experiments", source_.experiments, here_.experiments);
  item("runs", source_.runs, here_.runs);
  item("metric points", source_.points, here_.points);
  item("parameters", source_.params, here_.params);
  item("tags", source_.tags, here_.tags);
  item("dataset inputs", source_.datasets, here_.datasets);
  item("logged models", source_.models, here_.models);
  item("registered models", source_.registered, here_.registered);
  item("model versions", source_.versions, here_.versions);
  item("aliases", source_.aliases, here_.aliases);
  item("artifacts", source_.artifacts, here_.artifacts);
  item("artifact bytes", source_.artifact_bytes, here_.artifact_bytes);
  Json out{{"items", std::move(items)},
           {"refused", refusals_},
           {"refused_count", refused_},
           {"differences", differences_},
           {"difference_count", differing_},
           {"unchanged", unchanged_},
           {"equal", equal_},
           {"ok", ok()},
           {"dry_run", dry_run}};
  if (!dry_run) out["digest"] = {{"source", source_digest_.digest()}, {"here", here_digest_.digest()}};
  return out;
}

}  // namespace millrace::exchange
