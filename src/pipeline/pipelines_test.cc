#include <algorithm>
#include <csignal>

#include "lineage/graph.h"
#include "pipeline/bounds.h"
#include "pipeline/testing.h"

namespace millrace::pipeline {
namespace {

using testing::PipelineTest;
using Names = std::vector<std::string>;

class Pipelined : public PipelineTest {
 protected:
  // Two stages: `double` reads a file and a parameter, `last` reads what `double` made.
  void two_stages(int times = 2, int seed = 1) {
    write("double.sh", "for i in 1 2; do cat in.txt; done > out.txt\ncat $MILLRACE_PARAMS >> out.txt\n");
    write("in.txt", "flights\n");
    write("last.sh", "wc -l < double/out.txt > last.txt\n");
    stages("    double: {cmd: sh double.sh, deps: [double.sh, in.txt], outs: [out.txt], params: {times: " +
           std::to_string(times) + "}, seed: " + std::to_string(seed) +
           "}\n    last: {cmd: sh last.sh, deps: [last.sh, {stage: double}], outs: [last.txt]}\n");
  }
};

TEST_F(Pipelined, runs_once_and_rebuilds_nothing_unchanged) {
  two_stages();
  EXPECT_EQ(why("double"), (Names{"first run"}));
  EXPECT_EQ(why("last"), (Names{"stages.double"}));
  EXPECT_EQ(actions(run()), "double ran, last ran");
  EXPECT_EQ(content("double", "out.txt"), "flights\nflights\n{\"times\":2}\n");
  EXPECT_EQ(content("last", "last.txt"), "3\n");
  EXPECT_EQ(actions(run()), "double cached, last cached");
  EXPECT_TRUE(why("last").empty());
  restart();
  EXPECT_EQ(actions(run({{"stages", {"last"}}})), "double cached, last cached");
  EXPECT_EQ(lines(), (Names{"stage.started", "stage.ran", "stage.started", "stage.ran"}));
  EXPECT_EQ(files_in_work(), 0U);
}

TEST_F(Pipelined, names_each_component_that_changed) {
  two_stages();
  run();
  write("in.txt", "other\n");
  EXPECT_EQ(why("double"), (Names{"code.in.txt"}));
  two_stages(3);
  EXPECT_EQ(why("double"), (Names{"params.times"}));
  two_stages(2, 9);
  EXPECT_EQ(why("double"), (Names{"seed"}));
  stages(
      "    double: {cmd: sh -e double.sh, deps: [double.sh, in.txt], outs: [out.txt], params: {times: 2}, seed: 1, "
      "env: {A: b}, threads: 2}\n");
  EXPECT_EQ(why("double"), (Names{"command", "env.A", "environment.threads"}));
  write("requirements.lock", "numpy==2\n");
  stages(
      "    double: {cmd: sh double.sh, deps: [in.txt], outs: [out.txt, log.txt], params: {times: 2, more: x}, seed: "
      "1}\n",
      "  environment: {interpreter: python3, lock: requirements.lock, threads: 1}\n");
  auto changed = why("double");
  std::erase_if(changed, [](const auto& name) { return name.starts_with("environment.libraries."); });
  EXPECT_EQ(changed, (Names{"code.double.sh", "environment.interpreter", "environment.lock", "outs", "params.more"}));
}

TEST_F(Pipelined, a_reason_says_what_was_and_what_is) {
  two_stages();
  run();
  two_stages(3);
  const auto plan = services->pipelines.why(caller, *read(), "double");
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->text(), "double will run:\n  params.times changed from 2 to 3\n");
  EXPECT_EQ(plan->to_json()["action"], "run");
}

TEST_F(Pipelined, the_same_outs_upstream_keep_what_follows) {
  two_stages();
  run();
  write("double.sh",
        "# another text, the same result\nfor i in 1 2; do cat in.txt; done > out.txt\ncat $MILLRACE_PARAMS >> "
        "out.txt\n");
  EXPECT_EQ(actions(run()), "double ran, last cached");
}

TEST_F(Pipelined, going_back_goes_back_to_the_record) {
  two_stages(2);
  run();
  two_stages(3);
  EXPECT_EQ(actions(run()), "double ran, last ran");
  two_stages(2);
  EXPECT_EQ(actions(run()), "double cached, last cached");
  EXPECT_EQ(content("double", "out.txt"), "flights\nflights\n{\"times\":2}\n");
  EXPECT_EQ(lines().back(), "stage.reused");
}

TEST_F(Pipelined, an_out_that_left_the_store_is_made_again) {
  two_stages();
  run();
  const auto record = *services->pipelines.latest("default", "double");
  ASSERT_TRUE(services->blobs->remove(record->outs[0].digest));
  EXPECT_EQ(why("double"), (Names{"outs.out.txt"}));
  EXPECT_EQ(actions(run()), "double ran, last cached");
}

TEST_F(Pipelined, sees_only_what_is_declared_in_a_clean_environment) {
  write("secret.txt", "x");
  ::setenv("MILLRACE_TEST_VALUE", "inherited", 1);
  write("look.sh",
        "find . -type f | sort; ls -A \"$HOME\" \"$TMPDIR\" > /dev/null; env | cut -d= -f1 | sort | tr '\\n' ' '\n");
  stages(
      "    look: {cmd: \"sh -c 'sh look.sh > seen.txt; echo $MILLRACE_TEST_VALUE $GIVEN $MILLRACE_SEED $TZ >> "
      "seen.txt'\", deps: [look.sh], outs: [seen.txt], seed: 5, "
      "env: {GIVEN: yes}}\n");
  EXPECT_EQ(actions(run()), "look ran");
  const auto seen = content("look", "seen.txt");
  EXPECT_EQ(seen.substr(0, seen.find("DO_NOT")), "./look.sh\n./seen.txt\n");
  EXPECT_TRUE(seen.ends_with("\nyes 5 UTC\n") || seen.ends_with(" yes 5 UTC\n")) << seen;
  stages(
      "    look: {cmd: \"sh -c 'echo $MILLRACE_TEST_VALUE > seen.txt'\", outs: [seen.txt], env: "
      "[MILLRACE_TEST_VALUE]}\n");
  EXPECT_NE(run().error.find("'MILLRACE_TEST_VALUE' cannot be set by a stage"), std::string::npos);
  ::setenv("TRIED_VALUE", "inherited", 1);
  stages("    look: {cmd: \"sh -c 'echo $TRIED_VALUE > seen.txt'\", outs: [seen.txt], env: [TRIED_VALUE]}\n");
  EXPECT_EQ(actions(run()), "look ran");
  EXPECT_EQ(content("look", "seen.txt"), "inherited\n");
  ::setenv("TRIED_VALUE", "other", 1);
  EXPECT_EQ(why("look"), (Names{"env.TRIED_VALUE"}));
}

TEST_F(Pipelined, a_failing_command_says_its_last_lines_and_leaves_no_record) {
  stages("    a: {cmd: \"sh -c 'for i in $(seq 30); do echo line $i; done; echo bad luck >&2; exit 4'\", outs: [x]}\n");
  const auto job = run();
  EXPECT_EQ(job.state, "failed");
  EXPECT_NE(job.error.find("the stage 'a' ended with status 4; its last lines:"), std::string::npos) << job.error;
  EXPECT_NE(job.error.find("bad luck"), std::string::npos);
  EXPECT_EQ(job.error.find("line 10\n"), std::string::npos);
  EXPECT_NE(log_of(job).find("[a] line 1\n"), std::string::npos);
  EXPECT_FALSE(services->pipelines.latest("default", "a")->has_value());
  EXPECT_EQ(lines(), (Names{"stage.started", "stage.failed"}));
  EXPECT_EQ(files_in_work(), 0U);
  const auto runs = services->tracking.search_runs(
      caller, {.experiment_ids = {services->tracking.get_experiment_by_name(caller, "tried")->id}});
  ASSERT_TRUE(runs) << runs.error().text();
  ASSERT_EQ(runs->items.size(), 1U);
  EXPECT_EQ(runs->items[0].info.status, "FAILED");
}

TEST_F(Pipelined, finished_stages_stay_when_a_later_one_fails) {
  two_stages();
  write("last.sh", "exit 1\n");
  EXPECT_EQ(run().state, "failed");
  write("last.sh", "cp double/out.txt last.txt\n");
  EXPECT_EQ(actions(run()), "double cached, last ran");
}

TEST_F(Pipelined, a_timeout_ends_the_command) {
  stages("    a: {cmd: \"sh -c 'echo ready; while :; do :; done'\", outs: [x], timeout: 5}\n");
  const auto job = submit(Json::object());
  while (log_of(job).find("[a] ready") == std::string::npos) std::this_thread::yield();
  world.clock.advance(5'000'000);
  const auto ended = *services->jobs.wait("default", job.id, 120'000'000);
  EXPECT_EQ(ended.state, "failed");
  EXPECT_NE(ended.error.find("took longer than its timeout"), std::string::npos) << ended.error;
}

TEST_F(Pipelined, outs_are_plain_files_that_the_command_made) {
  stages("    a: {cmd: 'true', outs: [x/y]}\n");
  EXPECT_NE(run().error.find("the command did not make its out 'x/y'"), std::string::npos);
  stages("    a: {cmd: ln -s /etc/hostname x, outs: [x]}\n");
  EXPECT_NE(run().error.find("the out 'x' is or goes through a link"), std::string::npos);
  stages("    a: {cmd: mkdir x, outs: [x]}\n");
  EXPECT_NE(run().error.find("the out 'x' is not a plain file"), std::string::npos);
  stages("    a: {cmd: touch x extra more, outs: [x]}\n");
  EXPECT_EQ(actions(run()), "a ran");
  EXPECT_EQ((*services->pipelines.latest("default", "a"))->undeclared, 2);
}

TEST_F(Pipelined, a_program_of_the_project_keeps_its_mode) {
  write("go.sh", "#!/bin/sh\necho gone > x\n", 0755);
  stages("    a: {cmd: ./go.sh, deps: [go.sh], outs: [x]}\n");
  EXPECT_EQ(actions(run()), "a ran");
  EXPECT_EQ(content("a", "x"), "gone\n");
  stages("    a: {cmd: no-such-program, outs: [x]}\n");
  EXPECT_NE(run().error.find("the program 'no-such-program' is not on PATH"), std::string::npos);
}

TEST_F(Pipelined, a_python_stage_has_its_interpreter_in_the_key) {
  write("make.py",
        "import json, os, sys\nprint('working')\njson.dump([json.load(open(os.environ['MILLRACE_PARAMS'])), hash('a') "
        "== hash('a'), sys.flags.hash_randomization],"
        " open('out.json', 'w'))\n");
  stages("    make: {cmd: python3 make.py, deps: ['*.py'], outs: [out.json], params: {k: [1, 2]}, seed: 7}\n",
         "  environment: {interpreter: python3}\n");
  const auto job = run();
  EXPECT_EQ(actions(job), "make ran") << log_of(job);
  EXPECT_NE(log_of(job).find("[make] working"), std::string::npos);
  EXPECT_EQ(content("make", "out.json"), "[{\"k\": [1, 2]}, true, 1]");
  const auto record = *services->pipelines.latest("default", "make");
  const auto& environment = record->components.at("environment");
  EXPECT_TRUE(environment.at("interpreter").at("version").get<std::string>().starts_with("Python 3"));
  EXPECT_EQ(environment.at("interpreter").at("digest").get<std::string>().size(), 71U);
  EXPECT_TRUE(environment.at("git").is_null());
}

TEST_F(Pipelined, leaves_its_run_and_its_lineage) {
  two_stages();
  run();
  const auto record = **services->pipelines.latest("default", "last");
  const auto walk = lineage::walk(*services->database, "default", artifact_node("last", record.outs[0]),
                                  lineage::Direction::upstream);
  ASSERT_TRUE(walk) << walk.error().text();
  Names kinds;
  for (const auto& node : walk->nodes) kinds.push_back(node.id.substr(0, node.id.find_first_of(":")));
  std::sort(kinds.begin(), kinds.end());
  EXPECT_EQ(kinds, (Names{"artifact", "artifact", "code", "code", "environment", "run", "run", "stage", "stage"}));
  const auto tracked = services->tracking.get_run(caller, record.run_id);
  ASSERT_TRUE(tracked) << tracked.error().text();
  EXPECT_EQ(tracked->info.status, "FINISHED");
  std::map<std::string, std::string> tags;
  for (const auto& tag : tracked->tags) tags[tag.key] = tag.value;
  EXPECT_EQ(tags["millrace.stage"], "last");
  EXPECT_EQ(tags["millrace.stage_key"], record.key);
  EXPECT_TRUE(record.components["environment"]["libraries"].contains("libc.so.6")) << record.components["environment"];
  const auto verdict = services->journal.verify();
  EXPECT_TRUE(verdict && verdict->intact);
}

TEST_F(Pipelined, the_command_gets_its_run_and_the_address) {
  stages("    a: {cmd: \"sh -c 'echo $MLFLOW_TRACKING_URI $MLFLOW_RUN_ID $MILLRACE_STAGE > x'\", outs: [x]}\n");
  run();
  EXPECT_EQ(content("a", "x"), "http://127.0.0.1:1 " + (*services->pipelines.latest("default", "a"))->run_id + " a\n");
}

TEST_F(Pipelined, notes_commit_and_dirty_flag_outside_of_the_key) {
  two_stages();
  const auto git = [&](const std::string& words) {
    return std::system(("cd " + project.path() +
                        " && HOME=/nonexistent git -c user.name=a -c user.email=a@b.c -c init.defaultBranch=main " +
                        words + " > /dev/null 2>&1")
                           .c_str());
  };
  run();
  const auto before = (*services->pipelines.latest("default", "double"))->key;
  ASSERT_EQ(git("init") | git("add .") | git("commit -m first"), 0) << "git is needed";
  EXPECT_EQ(actions(run()), "double cached, last cached");
  two_stages(5);
  run();
  const auto record = *services->pipelines.latest("default", "double");
  EXPECT_NE(record->key, before);
  EXPECT_EQ(record->components["environment"]["git"]["commit"].get<std::string>().size(), 40U);
  EXPECT_EQ(record->components["environment"]["git"]["dirty"], true);
}

TEST_F(Pipelined, run_stage_wants_its_upstream_current) {
  two_stages();
  Result<StageRecord> answer = Error{Code::internal, "did not run"};
  services->jobs.stop();
  restart();
  services->jobs.stop();
  services = std::make_unique<testing::PipelineState>(state.path(), world.context);
  services->jobs.add("one", [&](jobs::Running& running) -> Result<Json> {
    answer = services->pipelines.run_stage(running, *read(), "last", {});
    return Json();
  });
  ASSERT_TRUE(services->jobs.start(1));
  const auto job = services->jobs.submit(caller, {.kind = "one"});
  ASSERT_TRUE(services->jobs.wait("default", job->id, 120'000'000));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Code::conflict);
}

TEST_F(Pipelined, refuses_an_unknown_payload) {
  two_stages();
  EXPECT_NE(run({{"stgaes", {"double"}}}).error.find("'stgaes' is unknown"), std::string::npos);
  EXPECT_NE(run({{"stages", {"duoble"}}}).error.find("did you mean 'double'"), std::string::npos);
}

}  // namespace
}  // namespace millrace::pipeline
