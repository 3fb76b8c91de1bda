#include "track/points/seal_old.h"

#include "core/fault.h"
#include "track/points/series.h"
#include "track/rows.h"

namespace millrace::track {
namespace {

constexpr int64_t kAtOnce = 100;
constexpr int64_t kSteps = 10'000;  // of one pass, each the rows of one chunk

}  // namespace

Result<std::vector<OldPoints::Place>> OldPoints::after(const Place& last, int64_t most) const {
  std::vector<Place> out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto rows,
                 session.query("SELECT workspace, run_id, key FROM track_latest_metrics WHERE old_rows = 1 AND "
                               "(workspace, run_id, key) > (?, ?, ?) ORDER BY workspace, run_id, key LIMIT ?",
                               {last.workspace, last.run, last.key, most}));
    for (const auto& row : rows) out.push_back({row.text(0), row.text(1), row.text(2)});
    return {};
  }));
  return out;
}

Result<bool> OldPoints::any() const {
  MILLRACE_TRY(const auto first, after({}, 1));
  return !first.empty();
}

Result<bool> OldPoints::step(const Place& place) {
  bool more = false;
  const Caller self{.workspace = place.workspace,
                    .subject = "millrace",
                    .roles = {"admin"},
                    .via = "job",
                    .request_id = context_.uuid()};
  // No line of the journal: what the run logged is what it was.
  MILLRACE_TRY(const auto line, journal_.write(self, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto run, load_run_info(session, place.workspace, place.run));
    MILLRACE_TRY(more, seal_old_rows(session, place.workspace, run, place.key));
    return lineage::Change{};
  }));
  (void)line;
  FAULT_POINT("track.old_points.after_step");
  return more;
}

Result<int64_t> OldPoints::seal(const std::function<bool()>& stop) {
  int64_t steps = 0;
  Place last;
  while (true) {
    MILLRACE_TRY(const auto places, after(last, kAtOnce));
    if (places.empty()) return steps;
    for (const auto& place : places) {
      for (bool more = true; more;) {
        if (steps == kSteps || stop()) return steps;
        ++steps;
        auto done = step(place);
        more = done && *done;
        if (done || done.error().code() == Code::not_found) continue;  // not_found: the run is gone meanwhile
        if (done.error().code() != Code::corrupt) return std::move(done).error();
        context_.log.warn("old_points_not_sealed",
                          {{"run", place.run}, {"key", place.key}, {"error", done.error().text()}});
      }
    }
    last = places.back();
  }
}

}  // namespace millrace::track
