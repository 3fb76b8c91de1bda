#include "data/cause/examine.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "data/cause/blame.h"
#include "data/cause/look.h"
#include "data/datasets/dataset_rows.h"
#include "stats/robust.h"

namespace millrace::data::cause {
namespace {

constexpr double kRuleMargin = 3;
constexpr double kRuleFloor = 0.01;
constexpr size_t kSide = 7;
constexpr size_t kDrawnBatches = 12;

// The versions around `version`, by period (append) or number (snapshot), and where it stands among them.
Result<FrameRequest> neighbours(const Services& services, const std::string& workspace, const Source& source,
                                const DatasetVersion& version) {
  FrameRequest out{.event_time = source.event_time, .temp_folder = services.temp_folder};
  MILLRACE_TRY(const auto versions, services.datasets.list(workspace, version.dataset));
  std::vector<DatasetVersion> all;
  if (source.kind == "append") {
    all = current_versions(versions);
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.period_from < b.period_from; });
  } else {
    std::copy_if(versions.begin(), versions.end(), std::back_inserter(all),
                 [](const auto& one) { return one.is_selectable(); });
  }
  std::vector<DatasetVersion> before;
  std::optional<DatasetVersion> later;
  for (const auto& one : all) {
    if (services.broken.contains(one.node())) continue;
    const bool earlier = source.kind == "append" ? one.period_to <= version.period_from : one.version < version.version;
    const bool after = source.kind == "append" ? one.period_from >= version.period_to : one.version > version.version;
    if (earlier) before.push_back(one);
    if (after && !later) later = one;
  }
  if (before.size() > kFrameBatches - 2)
    before.erase(before.begin(), before.end() - static_cast<int64_t>(kFrameBatches - 2));
  out.suspect = before.size();
  out.batches = std::move(before);
  out.batches.push_back(version);
  if (later && source.kind == "append") out.batches.push_back(*later);
  return out;
}

// Rows that broke each rule, beside history: what the contract saw.
Result<void> look_at_rules(const Services& services, const std::string& workspace, Look& look) {
  std::vector<Json> findings;
  for (size_t b = 0; b <= look.frame.suspect; ++b) {
    MILLRACE_TRY(auto one, services.datasets.findings(workspace, look.frame.dataset, look.frame.batches[b].version));
    findings.push_back(std::move(one));
  }
  const auto share = [](const Json& of, const std::string& rule) {
    const auto* checks = find(of, "checks");
    const auto* check = checks != nullptr ? find(*checks, rule) : nullptr;
    const auto rows = integer_or(of, "rows", 0);
    if (check == nullptr || rows == 0) return 0.0;
    return static_cast<double>(integer_or(*check, "rows", 0)) / static_cast<double>(rows);
  };
  const auto* checks = find(findings.back(), "checks");
  if (checks == nullptr) return {};
  for (const auto& [rule, check] : checks->items()) {
    if (!check.contains("rows")) continue;
    std::vector<double> usual;
    for (size_t b = 0; b < look.frame.suspect; ++b) usual.push_back(share(findings[b], rule));
    const double now = share(findings.back(), rule);
    std::vector<std::string> columns;
    if (const auto* of = find(check, "columns"); of != nullptr && of->is_array())
      for (const auto& name : *of) columns.push_back(name.get<std::string>());
    look.consider(
        {.kind = "quarantine", .columns = columns, .value = now, .limit = limit_of(usual, kRuleMargin, kRuleFloor)},
        [&, rule = std::string(rule)] {
          return fmt::format("{} of the rows of {} break the rule {} on {} (at most {} in the batches before)",
                             percent_text(now), look.frame.batches[look.frame.suspect].node(), rule,
                             fmt::join(columns, ", "), percent_text(limit_of(usual, 1, 0)));
        });
  }
  return {};
}

std::vector<double> means_by(const Look& look, const FrameColumn& column, bool by_day) {
  const size_t cells = by_day ? look.days.size() : look.frame.batches.size();
  std::vector<double> n(cells, 0), sum(cells, 0);
  for (size_t r = 0; r < look.frame.rows(); ++r) {
    const double value = column.numbers[r];
    if (!std::isfinite(value) || (by_day && look.days.of_row[r] < 0)) continue;
    const size_t cell = by_day ? static_cast<size_t>(look.days.of_row[r]) : look.frame.batch[r];
    n[cell] += 1, sum[cell] += value;
  }
  for (size_t c = 0; c < cells; ++c) sum[c] = n[c] > 0 ? sum[c] / n[c] : std::nan("");
  return sum;
}

// A few points a batch: the means of stretches of days.
std::vector<Point> thinned(const Look& look, const std::vector<double>& by_day) {
  const size_t step = std::max<size_t>(1, look.days.end / (kDrawnBatches * 4));
  std::vector<Point> out;
  for (size_t d = 0; d + step <= look.days.end; d += step) {
    double sum = 0, n = 0;
    for (size_t i = d; i < d + step; ++i)
      if (!std::isnan(by_day[i])) sum += by_day[i], n += 1;
    if (n > 0) out.push_back({day_text(look.days.day[d]), sum / n});
  }
  return out;
}

std::vector<Movement> movements_of(const Look& look) {
  std::vector<Movement> out;
  for (const auto& column : look.frame.columns) {
    if (!column.number || !column.is_evidence() || column.clock) continue;
    const auto batches = means_by(look, column, false), by_day = means_by(look, column, true);
    const auto step =
        stats::step_at(by_day, look.days.boundary, kSide, std::min(kSide, look.days.end - look.days.boundary));
    std::vector<double> before;
    for (size_t r = 0; r < look.frame.rows(); ++r)
      if (look.frame.batch[r] < look.frame.suspect) before.push_back(column.numbers[r]);
    const double scale = stats::scaled_mad(before);
    Movement moved{.column = column.name,
                   .first = batches[0],
                   .before = batches[look.frame.suspect - 1],
                   .now = batches[look.frame.suspect],
                   .step = step.value,
                   .step_limit = step.largest,
                   .series = thinned(look, by_day)};
    moved.shift = scale > 0 ? std::abs(moved.now - moved.first) / scale : 0;
    if (std::isnan(moved.now) || std::isnan(moved.first)) continue;
    out.push_back(std::move(moved));
  }
  return out;
}

}  // namespace

Result<Examination> examine(const Services& services, const std::string& workspace, const Source& source,
                            const DatasetVersion& version) {
  MILLRACE_TRY(const auto request, neighbours(services, workspace, source, version));
  Examination out{.history = request.suspect};
  if (out.history < (source.kind == "append" ? kLeastHistory : 1)) return out;
  MILLRACE_TRY(const auto frame, read_frame(services.engines, services.blobs, request));
  for (const auto& column : frame.columns)
    if (!column.clock) out.columns.push_back(column.name);
  if (frame.rows() == 0) return out;
  Look look(frame);
  look_at_nulls(look);
  look_at_values(look);
  look_at_slices(look);
  look_at_precision(look);
  look_at_levels(look);
  look_at_order(look);
  look_at_pairs(look);
  look_at_relations(look);
  look_at_rows(look);
  MILLRACE_DO(look_at_rules(services, workspace, look));
  out.tests = look.tests;
  out.suspects = suspects_of(look);
  if (source.kind == "append") out.movements = movements_of(look);
  return out;
}

}  // namespace millrace::data::cause
