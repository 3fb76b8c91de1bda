#include "monitor/window/drift.h"

#include <cmath>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace millrace::monitor {
namespace {

constexpr size_t kPrefix = 3;  // of "in_"

Json finite(double value) { return std::isfinite(value) ? Json(value) : Json(); }
Json or_null(const Result<double>& value) { return value ? finite(*value) : Json(); }

Json column_json(const ColumnProfile& reference, const ColumnCounts& now, const std::string& name,
                 std::string_view role) {
  const auto& bins = reference.bins;
  const auto& then = reference.counts;
  Json out{{"column", name},
           {"role", role},
           {"type", bins.text ? "text" : "number"},
           {"psi", or_null(stats::psi(now.counts, then.counts))},
           {"js", or_null(stats::jensen_shannon(now.counts, then.counts))},
           {"effect_kind", bins.text ? "cramers_v" : "cohens_d"},
           {"effect", or_null(bins.text ? stats::cramers_v(now.counts, then.counts)
                                        : stats::cohens_d(now.moments, then.moments))},
           {"n", now.rows()},
           {"reference_n", then.rows()},
           {"null_rate", finite(now.null_rate())},
           {"reference_null_rate", finite(then.null_rate())},
           {"counts", now.counts},
           {"reference_counts", then.counts}};
  if (bins.text) {
    out["categories"] = bins.categories;
  } else {
    out["edges"] = bins.edges;
    out["mean"] = now.moments.n > 0 ? finite(now.moments.mean) : Json();
    out["reference_mean"] = then.moments.n > 0 ? finite(then.moments.mean) : Json();
  }
  return out;
}

// One scan: the columns that the same groups are fed.
struct Scan {
  std::vector<Place> places;
  std::vector<const ColumnProfile*> references;
};

}  // namespace

std::string condition_of(const std::vector<const Group*>& groups) {
  std::vector<std::string> parts;
  for (const auto* group : groups) parts.push_back("(" + group->condition() + ")");
  return parts.empty() ? "false" : fmt::format("({})", fmt::join(parts, " OR "));
}

Result<Json> measure_columns(engine::Engine& engine, const std::vector<const Group*>& groups,
                             const Reference& reference, std::vector<std::string>& without) {
  std::map<std::string, std::vector<const Group*>> fed;  // column -> who is fed it
  for (const auto* group : groups)
    for (const auto& column : group->inputs) fed[column].push_back(group);
  std::map<std::string, Scan> scans;
  for (const auto& [column, by] : fed) {
    const auto name = column.substr(kPrefix);
    const auto* profile = reference.inputs.find(name);
    if (profile == nullptr) {
      without.push_back(name);
      continue;
    }
    auto& scan = scans[condition_of(by)];
    scan.places.push_back({profile->bins, engine::quote_name(column)});
    scan.references.push_back(profile);
  }
  std::map<std::string, Json> columns;
  for (const auto& [condition, scan] : scans) {
    MILLRACE_TRY(const auto counts, count_columns(engine, "seen", condition, scan.places, reference.inputs.missing));
    for (size_t i = 0; i < counts.size(); ++i) {
      const auto& name = scan.references[i]->bins.column;
      columns[name] = column_json(*scan.references[i], counts[i], name, "input");
    }
  }
  Json out = Json::array();
  for (auto& [name, column] : columns) out.push_back(std::move(column));

  std::vector<const Group*> scored;
  for (const auto* group : groups)
    if (!group->score.empty()) scored.push_back(group);
  if (!reference.score || scored.empty()) return out;
  MILLRACE_TRY(const auto counts, count_columns(engine, "seen", condition_of(scored) + " AND status = 'answered'",
                                                {{reference.score->bins, "score"}}, std::nullopt));
  out.push_back(column_json(*reference.score, counts.front(), scored.front()->score.substr(4), "score"));
  return out;
}

}  // namespace millrace::monitor
