// For tests only: a project with a model of two real stages, and the registry over real services. `train` writes bytes
// that stand for a model (nothing here loads it), `evaluate` hands on scored rows that the engine wrote.
#pragma once
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <mutex>

#include <fmt/format.h>

#include "pipeline/testing.h"
#include "registry/registry.h"

namespace millrace::testing {

// What RegistryTest::die() tells its child.
inline constexpr const char* kProject = "MILLRACE_TEST_PROJECT";
inline constexpr const char* kState = "MILLRACE_TEST_STATE";
inline constexpr const char* kStep = "MILLRACE_TEST_STEP";

// Writes the answer of a SELECT as Parquet.
inline void write_rows(engine::Engines& engines, const std::string& path, const std::string& select) {
  auto engine = engines.open({});
  ASSERT_TRUE(engine) << engine.error().text();
  const auto done =
      (*engine)->execute(fmt::format("COPY ({}) TO {} ({})", select, engine::quote_text(path), engine::copy_options()));
  ASSERT_TRUE(done) << done.error().text();
}

class RegistryTest : public PipelineTest {
 protected:
  Caller bob{.workspace = "default", .subject = "bob", .roles = {"approver"}, .via = "native"};
  Caller eve{.workspace = "default", .subject = "eve", .roles = {"approver"}, .via = "native"};
  Caller joe{.workspace = "default", .subject = "local:joe", .roles = {"admin"}, .via = "cli"};
  std::string gates = "[{auc: {min: 0.7}}, card_complete]";
  std::string approvals = "{count: 1, role: approver}";
  std::string card = "{intended_use: to be tried, limitations: made up, ethical: none, owner: ada}";
  std::string train_deps = "[train.sh]";
  std::string deployments = "deployments:\n  late: {model: late, unit: tailnum}\n";
  std::vector<std::string> told;  // on_release
  std::mutex told_mutex;
  std::unique_ptr<registry::Registry> models;

  void SetUp() override {
    PipelineTest::SetUp();
    ASSERT_TRUE(make_folders(state / "tmp"));
    make_registry();
    write("late.odcs.yaml",
          "apiVersion: v3.1.0\nkind: DataContract\nid: late_request\nname: What is asked\nversion: 1.0.0\nstatus: "
          "active\nschema:\n  - name: late_request\n"
          "    logicalType: object\n    properties:\n      - {name: distance, logicalType: number, required: true, "
          "logicalTypeOptions: {minimum: 10}}\n");
    write("train.sh", "printf 'a model' > model.onnx\ncat $MILLRACE_PARAMS >> model.onnx\n");
    write("evaluate.sh", "cp held.parquet scored.parquet\ncp held.json report.json\n");
    write("held.json", "{\"threshold\": 0.5}");
    good_rows();
    write_project(1);
  }
  void TearDown() override { models.reset(); }
  void make_registry() {
    models = std::make_unique<registry::Registry>(
        registry::Parts{*services->database, *services->blobs, services->journal, world.context, *services->engines,
                        services->datasets, services->pipelines, services->tracking, state / "serving", state / "tmp"});
    models->on_release = [this](const std::string& deployment) -> Result<void> {
      const std::lock_guard lock(told_mutex);  // releases of several threads are told at once
      told.push_back(deployment);
      return {};
    };
  }

  // This program again, with only `test`; it ends at the fault point as by kill -9, and the registry is opened anew.
  void die(const std::string& test, const std::string& step, const std::string& point) {
    models.reset();
    services.reset();
    const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
    const std::string filter = "--gtest_filter=" + test;
    const pid_t child = ::fork();
    if (child == 0) {
      ::setenv(kProject, project.path().c_str(), 1);
      ::setenv(kState, state.path().c_str(), 1);
      ::setenv(kStep, step.c_str(), 1);
      ::setenv("MILLRACE_FAULT", point.c_str(), 1);
      ::execl(self.c_str(), self.c_str(), filter.c_str(), "--gtest_brief=1", nullptr);
      ::_exit(9);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << step << " did not reach " << point;
    restart();
    make_registry();
  }

  void rows(const std::string& select) { write_rows(*services->engines, project / "held.parquet", select); }
  void good_rows() {
    rows(
        "SELECT CAST(i % 100 AS FLOAT) / 100 AS score, CASE WHEN i % 100 >= 60 THEN 1 ELSE 0 END AS late, CASE WHEN i "
        "% 2 = 0 THEN 'EWR' ELSE 'JFK' END AS origin FROM range(1000) r(i) ORDER BY i");
  }
  void bad_rows() {
    rows(
        "SELECT CAST(i % 10 AS FLOAT) / 10 AS score, CAST(i % 2 AS INTEGER) AS late, 'EWR' AS origin FROM range(1000) "
        "r(i) ORDER BY i");
  }

  void write_project(int trees) {
    stages(
        fmt::format("    train: {{cmd: sh train.sh, deps: {}, outs: [model.onnx], params: {{trees: {}}}, seed: 3}}\n"
                    "    evaluate: {{cmd: sh evaluate.sh, deps: [evaluate.sh, held.parquet, held.json, {{stage: "
                    "train}}], outs: [scored.parquet, report.json]}}\n"
                    "models:\n  late:\n    stage: train\n    file: model.onnx\n    contract: late.odcs.yaml\n    "
                    "label: late\n    scored: {{stage: evaluate, file: scored.parquet}}\n"
                    "    gates: {}\n    approvals: {}\n    card: {}\n{}",
                    train_deps, trees, gates, approvals, card, deployments));
  }
  // Lets the model stand on a dataset of two columns; each call is a version of it.
  void add_planes(const std::string& csv) {
    sources = "sources:\n  planes: {contract: planes.odcs.yaml, kind: snapshot, path: planes.csv}\n";
    train_deps = "[train.sh, {dataset: planes}]";
    write("planes.odcs.yaml",
          "apiVersion: v3.1.0\nkind: DataContract\nid: planes\nname: Planes\nversion: 1.0.0\nstatus: active\nschema:\n "
          " - name: planes\n    logicalType: object\n    properties:\n"
          "      - {name: tailnum, logicalType: string, required: true}\n      - {name: seats, logicalType: integer, "
          "required: true, logicalTypeOptions: {minimum: 1}}\n");
    write("planes.csv", csv);
    write_project(1);
    const auto known = data::read_sources(loaded());
    ASSERT_TRUE(known) << known.error().text();
    const auto added =
        services->datasets.add(caller, {.source = known->at(0), .files = {project / "planes.csv"}}, *known);
    ASSERT_TRUE(added) << added.error().text();
  }
  Project loaded() const {
    auto read = load_project(project.path());
    EXPECT_TRUE(read) << read.error().text();
    return std::move(*read);
  }
  registry::ModelSpec spec() const {
    auto read = registry::read_models(loaded());
    EXPECT_TRUE(read) << read.error().text();
    return read->at(0);
  }
  registry::DeploymentSpec deployment() const { return registry::read_deployments(loaded())->at(0); }

  // The pipeline as the project says now, and its version.
  registry::ModelVersion registered() {
    const auto job = *services->jobs.wait(caller.workspace, submit(Json::object()).id, 120'000'000);
    EXPECT_EQ(job.state, "done") << job.error << log_of(job);
    return shown(models->register_version(caller, loaded(), spec()));
  }
  registry::ModelVersion evaluated(int64_t version) {
    return shown(models->evaluate_gates(caller, loaded(), spec(), version));
  }
  Result<registry::ModelVersion> approved(const Caller& by, int64_t version = 1) {
    return models->approve(by, spec(), version, "it holds up");
  }
  Result<registry::Release> released(int64_t version) {
    return models->release(bob, loaded(), deployment(), version, "it is better");
  }
  // A version that may go out.
  void ready(int trees) {
    write_project(trees);
    const auto version = registered();
    evaluated(version.version);
    ASSERT_TRUE(approved(bob, version.version));
  }

  template <class T>
  static T shown(Result<T> result) {
    EXPECT_TRUE(result) << result.error().text();
    return result ? std::move(*result) : T{};
  }
  // "code: message", or "ok".
  template <class T>
  static std::string said(const Result<T>& result) {
    return result ? "ok" : fmt::format("{}: {}", name_of(result.error().code()), result.error().message());
  }
  int64_t count(const std::string& kind) const {
    const auto events = services->journal.read_after("default", 0, 1000);
    return std::count_if(events->begin(), events->end(), [&](const auto& event) { return event.kind == kind; });
  }
};

}  // namespace millrace::testing
