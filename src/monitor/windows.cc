#include "monitor/windows.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/fault.h"
#include "core/files.h"
#include "monitor/window/periods.h"

namespace millrace::monitor {
namespace {

constexpr Micros kEver = std::numeric_limits<Micros>::min();

// A folder that goes away with the scope.
class Scratch {
 public:
  static Result<Scratch> make(const std::string& folder, const Context& context) {
    Scratch out(fmt::format("{}/look-{}", folder, context.uuid()));
    MILLRACE_DO(make_folders(out.path_));
    return out;
  }
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  ~Scratch() {
    if (!path_.empty()) (void)remove_tree(path_);
  }
  const std::string& path() const { return path_; }

 private:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

std::string quoted_list(const std::vector<std::string>& files) {
  std::vector<std::string> quoted;
  for (const auto& file : files) quoted.push_back(engine::quote_text(file));
  return fmt::format("[{}]", fmt::join(quoted, ", "));
}

// Days of event time whose predictions have got a label, with the newest call and event time of those labels.
struct LabelledDay {
  Micros day = 0;
  int64_t batch = 0;
  Micros until = 0;
};
Result<std::vector<LabelledDay>> labelled_days(engine::Engines& engines, const std::string& temp_folder,
                                               const std::string& workspace, const std::vector<std::string>& log,
                                               const std::vector<std::string>& labels) {
  std::vector<LabelledDay> out;
  if (log.empty() || labels.empty()) return out;
  auto readable = log;
  readable.insert(readable.end(), labels.begin(), labels.end());
  MILLRACE_TRY(
      auto engine,
      engines.open({.memory_bytes = int64_t{1} << 30, .temp_folder = temp_folder, .readable = std::move(readable)}));
  MILLRACE_DO(engine->lock_down());
  const auto table = engine->query(
      fmt::format("SELECT {} AS day, max(l.batch), max(l.label_time) FROM (SELECT prediction_id, event_time FROM "
                  "read_parquet({}, union_by_name = true) WHERE workspace = ?) s JOIN (SELECT prediction_id, batch, "
                  "event_time AS label_time FROM read_parquet({})) l ON TRY_CAST(s.prediction_id AS UUID) = "
                  "TRY_CAST(l.prediction_id AS UUID) GROUP BY 1 ORDER BY 1",
                  day_expression(), quoted_list(log), quoted_list(labels)),
      {workspace});
  if (!table) return table.error();
  for (size_t row = 0; row < table->rows(); ++row)
    out.push_back({table->integer(row, 0), table->integer(row, 1), table->integer(row, 2)});
  return out;
}

}  // namespace

// One call of look(): what it was asked, and how far it has come.
class Windows::Look {
 public:
  const Caller& caller;
  const MonitorSpec& spec;
  const Progress& progress;
  ClockRow clock;     // as stored
  Micros now = 0;     // the later of `to` and the event clock
  int64_t batch = 0;  // the newest labels whose predictions are all sealed
  LookReport report;

  LookAt at(Micros from, Micros as_of, Micros until, Micros recorded_at) const {
    return {.workspace = caller.workspace,
            .deployment = spec.deployment,
            .from = from,
            .to = period_end(spec.window, from),
            .as_of = as_of,
            .labels = {caller.workspace, spec.deployment, batch, until},
            .missing = spec.missing,
            .recorded_at = recorded_at};
  }
  Result<void> go_on(double share, std::string_view what) const {
    if (progress.cancelled && progress.cancelled())
      return Error{Code::unavailable, "the look was asked to end; it goes on from here next time"};
    if (progress.say) progress.say(share, what);
    return {};
  }
};

Json LookReport::to_json() const { return {{"to", to_iso(to)}, {"looks", looks}, {"revisions", revisions}}; }

Windows::Windows(Parts parts)
    : parts_(std::move(parts)),
      index_({parts_.database, parts_.journal, parts_.engines, parts_.log_folder, parts_.temp_folder}),
      references_({parts_.database, parts_.blobs, parts_.journal, parts_.context, parts_.engines, parts_.temp_folder}) {
}

Result<LookReport> Windows::look(const Caller& caller, const MonitorSpec& spec, Micros to, const Progress& progress) {
  const std::lock_guard lock(one_at_a_time_);
  Look look{.caller = caller, .spec = spec, .progress = progress, .report = {.to = to}};
  MILLRACE_TRY(look.clock, clock(caller.workspace, spec.deployment));
  look.now = std::max(to, look.clock.event_now);
  // Read before sealing: these labels' predictions are in the log by then.
  MILLRACE_TRY(look.batch, last_batch(parts_.database, caller.workspace, spec.deployment));
  MILLRACE_DO(parts_.seal(spec.deployment));
  FAULT_POINT("monitor.look.after_seal");
  MILLRACE_DO(index_.update(caller, spec, look.clock.looked_to));

  const auto has_looked = [&] {
    return change_clock(caller, spec.deployment, [&](ClockRow& row) {
      const bool by_another_clock = row.event_now != 0 && look.clock.event_now == 0;  // event time came in the middle
      if (!by_another_clock) row.looked_to = std::max(row.looked_to, look.clock.looked_to);
    });
  };
  MILLRACE_TRY(const auto due, due_looks(look));
  for (size_t i = 0; i < due.size(); ++i) {
    MILLRACE_DO(look.go_on(static_cast<double>(i) / static_cast<double>(due.size()), to_iso(due[i].as_of)));
    MILLRACE_DO(evaluate(look, due[i], due[i].as_of));
    look.clock.looked_to = due[i].as_of;
    MILLRACE_DO(has_looked());
  }
  if (to > look.clock.looked_to) {
    look.clock.looked_to = to;
    MILLRACE_DO(has_looked());
  }
  MILLRACE_DO(find_changed(look));
  FAULT_POINT("monitor.look.after_labels");
  MILLRACE_DO(look_again(look));
  return look.report;
}

// Of periods that have rows: the looks after the last one and up to `to`.
Result<std::vector<LookAt>> Windows::due_looks(const Look& look) const {
  const auto& spec = look.spec;
  const Micros done = look.clock.looked_to, to = look.report.to;
  MILLRACE_TRY(const auto days, index_.days(look.caller.workspace, spec.deployment,
                                            done == 0 ? kEver : period_start(spec.window, done), to));
  std::vector<LookAt> out;
  Micros last = kEver;
  for (const Micros day : days) {
    const Micros from = period_start(spec.window, day);
    if (from == last) continue;
    last = from;
    for (const Micros at : looks_of(spec, from))
      if (at > done && at <= to) out.push_back(look.at(from, at, at, parts_.context.now()));
  }
  std::stable_sort(out.begin(), out.end(), [](const LookAt& a, const LookAt& b) { return a.as_of < b.as_of; });
  return out;
}

Result<void> Windows::evaluate(Look& look, const LookAt& at, Micros told) {
  const auto& spec = look.spec;
  MILLRACE_TRY(const auto scratch, Scratch::make(parts_.temp_folder, parts_.context));
  MILLRACE_TRY(const auto part, index_.part(at.workspace, at.deployment, at.from, at.as_of));
  MILLRACE_TRY(auto labels, write_labels(parts_.database, at.labels, part.first_id, part.last_id, scratch.path()));
  const Compare compare = [&](const std::string& model, int64_t version) -> Result<Compared> {
    MILLRACE_TRY(const auto facts, parts_.facts(at.workspace, spec, model, version));
    MILLRACE_TRY(auto reference, references_.get(look.caller, facts, spec.missing));
    return Compared{facts.threshold, std::move(reference)};
  };
  MILLRACE_TRY(const auto measured, measure_window(parts_.engines,
                                                   {.workspace = at.workspace,
                                                    .from = at.from,
                                                    .to = at.as_of,
                                                    .files = part.files,
                                                    .labels = std::move(labels),
                                                    .temp_folder = parts_.temp_folder,
                                                    .missing = spec.missing},
                                                   compare));
  if (measured.empty()) return {};
  FAULT_POINT("monitor.look.before_record");
  Recorded recorded;
  const auto written = parts_.journal.write(look.caller, [&](store::Session& session) {
    recorded = {};
    return record_windows(session, at, measured, recorded);
  });
  if (!written) return written.error();
  FAULT_POINT("monitor.look.after_record");
  ++look.report.looks;
  look.report.revisions += recorded.changed;
  if (on_look) MILLRACE_DO(on_look(look.caller, spec, recorded.windows, told));
  FAULT_POINT("monitor.look.after_hook");
  return {};
}

// Complete windows whose predictions have got labels that their newest revision did not count become due.
Result<void> Windows::find_changed(Look& look) {
  const auto& workspace = look.caller.workspace;
  const auto& deployment = look.spec.deployment;
  const LabelView before{workspace, deployment, look.clock.label_batch, look.clock.label_time};
  const LabelView now{workspace, deployment, look.batch, std::max(look.now, look.clock.label_time)};
  if (now.batch == before.batch && now.until == before.until) return {};
  MILLRACE_TRY(const auto scratch, Scratch::make(parts_.temp_folder, parts_.context));
  MILLRACE_TRY(const auto labels, write_new_labels(parts_.database, before, now, scratch.path()));
  std::vector<LabelledDay> days;
  if (!labels.files.empty()) {
    MILLRACE_TRY(const auto files, index_.files_with(workspace, deployment, labels.first_id, labels.last_id));
    MILLRACE_TRY(days, labelled_days(parts_.engines, parts_.temp_folder, workspace, files, labels.files));
  }
  const auto written = parts_.journal.write(look.caller, [&](store::Session& session) -> Result<lineage::Change> {
    for (const auto& day : days) {
      const Micros from = period_start(look.spec.window, day.day), to = period_end(look.spec.window, from);
      if (to > look.clock.looked_to) continue;  // its next look counts them
      MILLRACE_TRY(const auto counted, counted_labels(session, workspace, deployment, from, to));
      if (!counted || day.batch > counted->batch || day.until > counted->until)
        MILLRACE_DO(mark_due(session, workspace, deployment, from));
    }
    MILLRACE_TRY(auto row, read_clock(session, workspace, deployment));
    row.label_batch = now.batch;
    row.label_time = now.until;
    MILLRACE_DO(write_clock(session, workspace, deployment, row));
    return lineage::Change{};
  });
  if (!written) return written.error();
  return {};
}

Result<void> Windows::look_again(Look& look) {
  const auto& workspace = look.caller.workspace;
  const auto& deployment = look.spec.deployment;
  std::vector<Micros> due;
  MILLRACE_DO(parts_.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto rows,
                 session.query("SELECT from_time FROM monitor_due WHERE workspace = ? AND deployment = ? "
                               "ORDER BY from_time",
                               {workspace, deployment}));
    for (const auto& row : rows) due.push_back(row.integer(0));
    return {};
  }));
  for (const Micros from : due) {
    const Micros to = period_end(look.spec.window, from);
    MILLRACE_DO(look.go_on(1, "windows with late labels"));
    if (to <= look.clock.looked_to)
      MILLRACE_DO(evaluate(look, look.at(from, to, look.now, parts_.context.now()), look.now));
    const auto written = parts_.journal.write(look.caller, [&](store::Session& session) -> Result<lineage::Change> {
      MILLRACE_TRY(const auto done,
                   session.execute("DELETE FROM monitor_due WHERE workspace = ? AND deployment = ? AND from_time = ?",
                                   {workspace, deployment, from}));
      (void)done;
      return lineage::Change{};
    });
    if (!written) return written.error();
  }
  return {};
}

Result<ClockRow> Windows::clock(const std::string& workspace, const std::string& deployment) const {
  ClockRow out;
  MILLRACE_DO(parts_.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(out, read_clock(session, workspace, deployment));
    return {};
  }));
  return out;
}

Result<void> Windows::change_clock(const Caller& caller, const std::string& deployment,
                                   const std::function<void(ClockRow&)>& change) {
  const auto written = parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(auto row, read_clock(session, caller.workspace, deployment));
    change(row);
    MILLRACE_DO(write_clock(session, caller.workspace, deployment, row));
    return lineage::Change{};
  });
  if (!written) return written.error();
  return {};
}

Result<Micros> Windows::event_now(const std::string& workspace, const std::string& deployment) const {
  MILLRACE_TRY(const auto row, clock(workspace, deployment));
  return row.event_now;
}

Result<void> Windows::advance(const Caller& caller, const std::string& deployment, Micros to) {
  return change_clock(caller, deployment, [&](ClockRow& row) {
    if (row.event_now == 0 && row.looked_to > to) row.looked_to = 0;
    row.event_now = std::max(row.event_now, to);
  });
}

Result<std::vector<Window>> Windows::list(const std::string& workspace, const WindowFilter& filter,
                                          const std::optional<WindowCursor>& after, int64_t limit) const {
  std::vector<Window> out;
  MILLRACE_DO(parts_.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(out, read_windows(session, workspace, filter, after, limit));
    return {};
  }));
  return out;
}

}  // namespace millrace::monitor
