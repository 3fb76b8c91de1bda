// For tests only: a project folder, a state folder with the real services over it, and jobs that run its pipeline.
#pragma once
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <thread>

#include "core/files.h"
#include "pipeline/pipeline.h"
#include "store/testing.h"
#include "track/tracking.h"

namespace millrace::testing {

// Services over a state folder; made anew, it is a process that starts again.
struct PipelineState {
  explicit PipelineState(const std::string& state, Context& context)
      : database(opened(store::open_database(place_of(state + "/meta.db"), context))),
        blobs(opened(store::open_file_blobs(state + "/blobs", context))),
        journal(*database, context, "main", state + "/audit.head"),
        engines(opened(engine::load_duckdb(library()))),
        datasets(*database, *blobs, journal, context, *engines, state + "/tmp"),
        tracking(*database, journal, context, state + "/artifacts"),
        pipelines(
            {*database, *blobs, journal, context, *engines, datasets, tracking, state + "/work", path(), library()}),
        jobs(*database, journal, context) {}

  static std::string library() { return library_folder() + "/libduckdb.so"; }
  static std::string path() {
    const char* path = std::getenv("PATH");
    return path != nullptr ? path : "/usr/bin:/bin";
  }
  template <class T>
  static T opened(Result<T> result) {
    if (!result) ADD_FAILURE() << result.error().text();
    return std::move(result).value();
  }

  std::unique_ptr<store::Database> database;
  std::unique_ptr<store::Blobs> blobs;
  lineage::Journal journal;
  std::unique_ptr<engine::Engines> engines;
  data::Datasets datasets;
  track::Tracking tracking;
  pipeline::Pipelines pipelines;
  jobs::Jobs jobs;
};

class PipelineTest : public ::testing::Test {
 protected:
  Folder project, state;
  World world;
  Caller caller{.workspace = "default", .subject = "local:ada", .roles = {"writer"}, .via = "cli"};
  std::unique_ptr<PipelineState> services;

  void SetUp() override { restart(); }
  void restart() {
    services.reset();
    services = std::make_unique<PipelineState>(state.path(), world.context);
    services->jobs.add("pipeline.run", [this](jobs::Running& running) -> Result<Json> {
      MILLRACE_TRY(const auto overrides, pipeline::read_overrides(running.job().payload));
      MILLRACE_TRY(const auto read, this->read(overrides));
      return services->pipelines.work(running, read, {.tracking_uri = "http://127.0.0.1:1"});
    });
    ASSERT_TRUE(services->jobs.start(1));
  }

  void write(const std::string& path, const std::string& text, unsigned mode = 0644) {
    ASSERT_TRUE(make_folders(parent_of(project / path)));
    ASSERT_TRUE(write_file(project / path, text, mode));
  }
  void stages(const std::string& yaml, const std::string& environment = "") {
    write("millrace.yaml",
          "millrace: 1\nproject: tried\n" + sources + "pipeline:\n" + environment + "  stages:\n" + yaml);
  }
  Result<pipeline::Pipeline> read(const pipeline::Overrides& overrides = {}) const {
    MILLRACE_TRY(const auto loaded, load_project(project.path()));
    return pipeline::read_pipeline(loaded, overrides);
  }

  jobs::Job submit(const Json& payload) {
    const auto job = services->jobs.submit(caller, {.kind = "pipeline.run", .payload = payload});
    EXPECT_TRUE(job) << job.error().text();
    return *job;
  }
  jobs::Job run(const Json& payload = Json::object()) {
    return *services->jobs.wait("default", submit(payload).id, 120'000'000);
  }
  // What each stage did: "a ran, b cached".
  static std::string actions(const jobs::Job& job) {
    if (job.state != "done") return job.error;
    std::string out;
    for (const auto& stage : job.result.at("stages"))
      out += (out.empty() ? "" : ", ") + string_or(stage, "stage", "") + " " + string_or(stage, "action", "");
    return out;
  }
  std::string log_of(const jobs::Job& job) const {
    std::string out;
    const auto lines = services->jobs.log_after("default", job.id, 0);
    for (const auto& line : *lines) out += line.text + "\n";
    return out;
  }
  // The components that `why` names, in order.
  std::vector<std::string> why(const std::string& stage) {
    const auto loaded = read();
    EXPECT_TRUE(loaded) << loaded.error().text();
    const auto plan = services->pipelines.why(caller, *loaded, stage);
    EXPECT_TRUE(plan) << plan.error().text();
    std::vector<std::string> out;
    for (const auto& reason : plan->why) out.push_back(reason.component);
    return out;
  }
  std::string content(const std::string& stage, const std::string& path) {
    const auto record = services->pipelines.latest("default", stage);
    if (!record || !*record) return "(no record)";
    const auto file = services->pipelines.out_path(**record, path);
    return file ? *read_file(*file, 1 << 20) : file.error().text();
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    const auto events = services->journal.read_after("default", 0, 1000);
    for (const auto& event : *events)
      if (event.kind.starts_with("stage.")) out.push_back(event.kind);
    return out;
  }
  size_t files_in_work() const {
    size_t count = 0;
    std::error_code error;
    for (auto entry = std::filesystem::directory_iterator(state / "work", error);
         !error && entry != std::filesystem::directory_iterator(); ++entry)
      ++count;
    return count;
  }

  std::string sources;  // the section `sources:` of the project, or ""
};

}  // namespace millrace::testing
