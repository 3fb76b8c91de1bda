// For tests only: a prediction log made of rows that a test writes, labels, and windows over them.
#pragma once
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/files.h"
#include "core/testing.h"
#include "engine/parquet.h"
#include "monitor/feedback.h"
#include "monitor/windows.h"
#include "store/testing.h"

namespace millrace::testing {

inline std::string prediction_id(int64_t number) { return fmt::format("01890a5d-ac96-774b-bcce-{:012x}", number); }
inline Micros at(std::string_view text) { return *parse_time(text); }

struct Request {
  int64_t id = 0;
  Micros time = 0;
  std::optional<double> score = 0.5;
  std::string arm = "stable";
  int64_t version = 1;
  std::string status = "answered";
  std::map<std::string, Json> inputs = {};  // numbers, texts, null
  std::string field = "", rule = "", sent = "";
  std::optional<int64_t> duration = {};
  int64_t row = 0;
  std::string workspace = "default", model = "late";
};

// Writes a file of rows, columns by name, as the log is sealed or as a stage writes its out.
inline void write_columns(const std::string& path, const std::vector<std::map<std::string, Json>>& rows,
                          const std::vector<std::pair<std::string, engine::Column::Kind>>& kinds) {
  engine::Columns columns;
  for (const auto& [name, kind] : kinds) {
    columns.emplace_back(name, kind);
    for (const auto& row : rows) {
      const auto found = row.find(name);
      auto& column = columns.back();
      if (found == row.end() || found->second.is_null())
        column.push_null();
      else if (kind == engine::Column::Kind::text)
        column.push_text(found->second.get<std::string>());
      else if (kind == engine::Column::Kind::number)
        column.push_number(found->second.get<double>());
      else
        column.push_integer(found->second.get<int64_t>());
    }
  }
  const auto written = engine::write_parquet(path, columns);
  ASSERT_TRUE(written) << written.error().text();
}

// What monitors in a process, over a state folder; made anew, it is a process that starts again.
struct MonitorState {
  MonitorState(const std::string& folder, Context& context, monitor::FindFacts facts)
      : database(opened(store::open_database(place_of(folder + "/meta.db"), context))),
        blobs(opened(store::open_file_blobs(folder + "/blobs", context))),
        engines(opened(engine::load_duckdb(library_folder() + "/libduckdb.so"))),
        journal(*database, context, "main", folder + "/audit.head"),
        feedback(journal, context),
        windows({.database = *database,
                 .blobs = *blobs,
                 .journal = journal,
                 .context = context,
                 .engines = *engines,
                 .facts = std::move(facts),
                 .seal = [](const std::string&) { return Result<void>{}; },
                 .log_folder = folder + "/predictions",
                 .temp_folder = folder + "/tmp"}) {}

  template <class T>
  static T opened(Result<T> result) {
    if (!result) ADD_FAILURE() << result.error().text();
    return std::move(result).value();
  }

  std::unique_ptr<store::Database> database;
  std::unique_ptr<store::Blobs> blobs;
  std::unique_ptr<engine::Engines> engines;
  lineage::Journal journal;
  monitor::Feedback feedback;
  monitor::Windows windows;
};

class MonitorTest : public ::testing::Test {
 protected:
  using Kind = engine::Column::Kind;
  const Caller caller{.workspace = "default", .subject = "millrace", .roles = {"admin"}, .via = "job"};
  Folder folder;
  World world;
  std::unique_ptr<MonitorState> state;
  monitor::MonitorSpec spec{.deployment = "late", .missing = -1};
  monitor::VersionFacts facts;  // of every version
  std::map<std::string, Kind> input_kinds = {{"distance", Kind::number}};
  std::vector<std::string> told;  // on_look
  int files = 0;

  void SetUp() override {
    ASSERT_TRUE(make_folders(folder / "predictions/late"));
    ASSERT_TRUE(make_folders(folder / "tmp"));
    restart();
  }
  void restart() {
    state.reset();
    state =
        std::make_unique<MonitorState>(folder.path(), world.context,
                                       [this](const std::string&, const monitor::MonitorSpec&, const std::string& model,
                                              int64_t version) -> Result<monitor::VersionFacts> {
                                         auto out = facts;
                                         out.model = model;
                                         out.version = version;
                                         return out;
                                       });
    state->windows.on_look = [this](const Caller&, const monitor::MonitorSpec&,
                                    const std::vector<monitor::Window>& seen, Micros when) -> Result<void> {
      std::string line = to_iso(when).substr(0, 10) + ":";
      for (const auto& window : seen) line += fmt::format(" {}/{}r{}", window.arm, window.version, window.revision);
      told.push_back(line);
      return {};
    };
  }
  template <class T>
  static T opened(Result<T> result) {
    return MonitorState::opened(std::move(result));
  }
  int64_t count(const std::string& kind) const {
    const auto events = state->journal.read_after("default", 0, 1000);
    return std::count_if(events->begin(), events->end(), [&](const auto& event) { return event.kind == kind; });
  }
  Result<void> execute(const std::string& sql) {
    return state->database->write([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(const auto done, session.execute(sql));
      (void)done;
      return {};
    });
  }

  // One sealed file of the log.
  void add_file(const std::vector<Request>& requests) {
    std::vector<std::pair<std::string, Kind>> kinds{
        {"prediction_id", Kind::text}, {"row", Kind::integer},     {"event_time", Kind::timestamp},
        {"workspace", Kind::text},     {"release", Kind::text},    {"arm", Kind::text},
        {"model", Kind::text},         {"version", Kind::integer}, {"status", Kind::text},
        {"input", Kind::text},         {"request_id", Kind::text}, {"field", Kind::text},
        {"rule", Kind::text},          {"out_score", Kind::number}};
    bool durations = false;
    for (const auto& request : requests) durations = durations || request.duration.has_value();
    if (durations) kinds.emplace_back("duration_us", Kind::integer);
    for (const auto& [name, kind] : input_kinds) kinds.emplace_back("in_" + name, kind);
    std::vector<std::map<std::string, Json>> rows;
    for (const auto& request : requests) {
      std::map<std::string, Json> row{{"prediction_id", prediction_id(request.id)},
                                      {"row", request.row},
                                      {"event_time", request.time},
                                      {"workspace", request.workspace},
                                      {"release", fmt::format("release:late@{}", request.version)},
                                      {"arm", request.arm},
                                      {"model", request.model},
                                      {"version", request.version},
                                      {"status", request.status},
                                      {"input", request.sent},
                                      {"request_id", ""},
                                      {"field", request.field},
                                      {"rule", request.rule}};
      if (request.score && request.status == "answered") row["out_score"] = *request.score;
      if (request.duration) row["duration_us"] = *request.duration;
      for (const auto& [name, value] : request.inputs) row["in_" + name] = value;
      rows.push_back(std::move(row));
    }
    write_columns(fmt::format("{}/predictions/late/{:012}.parquet", folder.path(), ++files), rows, kinds);
  }

  // A file that a version stands on, as a blob.
  monitor::Artifact artifact(const std::string& name, const std::vector<std::map<std::string, Json>>& rows,
                             const std::vector<std::pair<std::string, Kind>>& kinds) {
    const auto path = folder / name;
    write_columns(path, rows, kinds);
    const auto digest = opened(state->blobs->put_file(path));
    return {digest, fmt::format("artifact:{}@{}", name, digest.substr(7, 12))};
  }

  std::string look(std::string_view to) {
    const auto report = state->windows.look(caller, spec, at(to));
    return report ? fmt::format("{} looks, {} new", report->looks, report->revisions) : report.error().text();
  }
  void label(std::vector<monitor::Label> labels) {
    const auto done = state->feedback.record(caller, "late", std::move(labels));
    ASSERT_TRUE(done) << done.error().text();
  }
  std::vector<monitor::Window> listed(const monitor::WindowFilter& filter = {.deployment = "late"}) {
    return opened(state->windows.list("default", filter));
  }
  // "2013-07-01 all/0 r1 as of 2013-08-01 5 requests 2 labels", a line a window.
  std::string shown(const std::vector<monitor::Window>& list) {
    std::string out;
    const auto date = [](Micros time) { return to_iso(time).substr(0, 10); };
    for (const auto& window : list)
      out += fmt::format("{} {}/{} r{} as of {}: {} requests, {} labels\n", date(window.from), window.arm,
                         window.version, window.revision, date(window.as_of),
                         integer_or(window.summary, "requests", -1), integer_or(window.summary, "labels", -1));
    return out;
  }
};

}  // namespace millrace::testing
