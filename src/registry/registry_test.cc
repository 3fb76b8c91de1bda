#include "lineage/graph.h"
#include "registry/testing.h"

namespace millrace::registry {
namespace {

using testing::RegistryTest;
using Register = RegistryTest;
using Approve = RegistryTest;

TEST_F(Register, refuses_a_stage_that_has_not_run) {
  const auto refused = models->register_version(caller, loaded(), spec());
  EXPECT_EQ(said(refused), "rejected: the stage 'train' of the model 'late' has not run");
  EXPECT_EQ(refused.error().hint(), "millrace run train");
}

TEST_F(Register, the_same_digests_are_the_same_version) {
  const auto one = registered();
  EXPECT_EQ(one.version, 1);
  EXPECT_EQ(one.state, "registered");
  EXPECT_EQ(one.author, "local:ada");
  const auto again = registered();
  EXPECT_EQ(again.version, 1);
  EXPECT_EQ(count("model.version.created"), 1);
  write_project(2);
  EXPECT_EQ(registered().version, 2);
  write_project(1);
  EXPECT_EQ(registered().version, 1) << "going back goes back to the version";
  EXPECT_EQ(models->list("default", "late")->size(), 2U);
  EXPECT_TRUE(models->list("default", "other")->empty());
  EXPECT_EQ(models->list("default", "")->size(), 2U);
}

TEST_F(Register, each_digest_tells_versions_apart) {
  const auto one = registered();
  write("train.sh",
        "# the same model by other code\nprintf 'a model' > model.onnx\ncat $MILLRACE_PARAMS >> model.onnx\n");
  const auto two = registered();
  EXPECT_EQ(two.version, 2);
  EXPECT_EQ(two.digests.model, one.digests.model);
  EXPECT_NE(two.digests.code, one.digests.code);
  auto contract = *read_file(project / "late.odcs.yaml", 1 << 20);
  write("late.odcs.yaml", contract + "      - {name: more, logicalType: integer}\n");
  const auto three = registered();
  EXPECT_EQ(three.version, 3);
  EXPECT_NE(three.digests.contract, two.digests.contract);
}

TEST_F(Register, stands_on_the_dataset_versions_behind_it) {
  gates = "[contract_held]";
  add_planes("tailnum,seats\nN1,100\nN2,200\n");
  const auto one = registered();
  EXPECT_EQ(evaluated(1).state, "gates_passed");
  const auto text = shown(models->card("default", spec(), 1));
  EXPECT_NE(text.find("| `dataset:planes@1` | no period | 2 | 0 | accepted |"), std::string::npos) << text;
  const auto walk = lineage::walk(*services->database, "default", one.node(), lineage::Direction::upstream);
  ASSERT_TRUE(walk);
  EXPECT_TRUE(std::any_of(walk->nodes.begin(), walk->nodes.end(),
                          [](const auto& node) { return node.id == "dataset:planes@1"; }));
  add_planes("tailnum,seats\nN1,100\nN2,-5\n");
  const auto two = registered();
  EXPECT_EQ(two.version, 2) << "the same model on other data";
  EXPECT_EQ(two.digests.model, one.digests.model);
  const auto held = evaluated(2);
  EXPECT_EQ(held.state, "gates_failed");
  EXPECT_TRUE(held.gates[0].reason.starts_with("dataset:planes@2 has 1 of 2 rows in quarantine (0.5)"))
      << held.gates[0].reason;
  EXPECT_EQ(evaluated(1).state, "gates_passed") << "a later version's data is not its own";
}

TEST_F(Register, refuses_rows_that_another_model_scored) {
  registered();
  write_project(2);
  EXPECT_EQ(run({{"stage", "train"}}).state, "done");
  const auto refused = said(models->register_version(caller, loaded(), spec()));
  EXPECT_TRUE(refused.starts_with("rejected: stage:evaluate@")) << refused;
  EXPECT_TRUE(refused.ends_with("scored another model than the newest of the stage 'train'")) << refused;
}

TEST_F(Register, stands_in_the_lineage_graph) {
  const auto version = registered();
  const auto walk = lineage::walk(*services->database, "default", version.node(), lineage::Direction::upstream);
  ASSERT_TRUE(walk) << walk.error().text();
  std::vector<std::string> kinds;
  for (const auto& node : walk->nodes) kinds.push_back(node.id.substr(0, node.id.find(':')));
  for (const char* kind : {"artifact", "stage", "contract"})
    EXPECT_NE(std::find(kinds.begin(), kinds.end(), kind), kinds.end()) << kind;
}

TEST_F(Register, a_version_that_is_not_there_names_those_that_are) {
  EXPECT_EQ(models->get("default", "late", 1).error().hint(), "it has none yet: millrace model register late");
  registered();
  const auto missing = models->get("default", "late", 7);
  EXPECT_EQ(said(missing), "not_found: there is no version 7 of the model 'late'");
  EXPECT_EQ(missing.error().hint(), "it has versions 1 to 1");
  EXPECT_EQ(said(models->get("other", "late", 1)), "not_found: there is no version 1 of the model 'late'")
      << "workspaces see their own";
}

TEST_F(Approve, gates_are_results_with_evidence_kept_once) {
  registered();
  const auto version = evaluated(1);
  EXPECT_EQ(version.state, "gates_passed");
  ASSERT_EQ(version.gates.size(), 2U);
  EXPECT_TRUE(version.gates[0].ok) << version.gates[0].reason;
  EXPECT_EQ(version.gates[0].value["n"], 1000);
  const auto report = services->blobs->get(version.digests.report, 1 << 20);
  ASSERT_TRUE(report);
  EXPECT_EQ(parse_json(*report, "report")->at("scored").at("threshold"), 0.5);
  world.clock.advance(1'000'000);
  EXPECT_EQ(evaluated(1).digests.report, version.digests.report);
  EXPECT_EQ(count("model.gates.evaluated"), 1) << "the same evidence is not news";
}

TEST_F(Approve, refuses_before_gates_were_evaluated) {
  registered();
  const auto refused = approved(bob);
  EXPECT_EQ(said(refused), "rejected: model:late@1 cannot be approved: its gates were not evaluated");
  EXPECT_EQ(refused.error().hint(), "millrace model gates late 1");
}

TEST_F(Approve, a_failed_gate_cannot_be_approved) {
  bad_rows();
  registered();
  EXPECT_EQ(evaluated(1).state, "gates_failed");
  const auto refused = approved(bob);
  EXPECT_EQ(said(refused), "rejected: model:late@1 cannot be approved: the gate auc failed");
  EXPECT_NE(refused.error().hint().find("is below 0.7"), std::string::npos) << refused.error().hint();
  EXPECT_EQ(count("model.approved"), 0);
}

TEST_F(Approve, needs_a_reason_and_the_role) {
  registered();
  evaluated(1);
  EXPECT_EQ(said(models->approve(bob, spec(), 1, " \n")), "invalid: an approval needs a reason");
  EXPECT_EQ(said(models->approve(bob, spec(), 1, std::string(5000, 'x'))),
            "too_large: the reason has 5000 bytes, 4096 are allowed");
  const Caller reader{.subject = "ann", .roles = {"reader"}};
  EXPECT_EQ(said(approved(reader)), "denied: ann may not approve model:late@1: that takes the role 'approver'");
}

TEST_F(Approve, covers_the_digests_and_counts_once) {
  registered();
  evaluated(1);
  const auto version = shown(approved(bob));
  EXPECT_EQ(version.state, "approved");
  EXPECT_EQ(version.approvals[0]["subject"], "bob");
  EXPECT_EQ(version.approvals[0]["holds"], true);
  EXPECT_EQ(said(approved(bob)), "conflict: bob has approved model:late@1 already, for exactly these digests");
  EXPECT_EQ(count("model.approved"), 1);
}

TEST_F(Approve, one_local_voice_is_enough_where_one_is_asked_for) {
  registered();
  evaluated(1);
  EXPECT_EQ(shown(approved(caller)).state, "approved");
}

TEST_F(Approve, is_lost_when_the_evidence_changes_and_back_when_it_comes_back) {
  registered();
  evaluated(1);
  ASSERT_TRUE(approved(bob));
  write("held.json", "{\"threshold\": 0.6}");
  EXPECT_EQ(run().state, "done");
  const auto changed = evaluated(1);
  EXPECT_EQ(changed.state, "gates_passed");
  EXPECT_EQ(changed.approvals[0]["holds"], false);
  EXPECT_EQ(said(released(1)),
            "rejected: model:late@1 cannot be released: it has 0 of 1 approval for exactly these digests; the evidence "
            "has changed since an earlier one");
  write("held.json", "{\"threshold\": 0.5}");
  EXPECT_EQ(run().state, "done");
  EXPECT_EQ(evaluated(1).state, "approved");
}

TEST_F(Approve, gates_that_the_project_asks_for_since_are_not_skipped) {
  registered();
  evaluated(1);
  gates = "[{auc: {min: 0.8}}, card_complete]";
  write_project(1);
  EXPECT_EQ(said(approved(bob)),
            "rejected: model:late@1 cannot be approved: the project asks for other gates or approvals than those that "
            "were evaluated");
  evaluated(1);
  ASSERT_TRUE(approved(bob));
  approvals = "{count: 2}";
  write_project(1);
  EXPECT_EQ(said(released(1)),
            "rejected: model:late@1 cannot be released: the project asks for other gates or approvals than those that "
            "were evaluated");
}

TEST_F(Approve, two_voices_are_two_people) {
  approvals = "{count: 2}";
  write_project(1);
  registered();
  evaluated(1);
  EXPECT_EQ(said(approved(caller)),
            "denied: local:ada registered model:late@1 and may not approve it: 2 other voices are asked for");
  EXPECT_EQ(said(approved(joe)), "denied: local:joe has no token and is never a second voice for model:late@1")
      << "the author had no token either";
  EXPECT_EQ(shown(approved(bob)).state, "gates_passed");
  EXPECT_EQ(said(approved(joe)), "denied: local:joe has no token and is never a second voice for model:late@1");
  EXPECT_EQ(shown(approved(eve)).state, "approved");
}

TEST_F(Approve, a_local_voice_may_be_the_first_of_two_and_only_one) {
  approvals = "{count: 2}";
  write_project(1);
  caller = {.workspace = "default", .subject = "ann", .roles = {"writer"}};
  registered();
  evaluated(1);
  EXPECT_EQ(shown(approved(joe)).state, "gates_passed");
  const Caller other{.subject = "local:kim", .roles = {"admin"}};
  EXPECT_EQ(said(approved(other)), "denied: local:kim has no token and is never a second voice for model:late@1");
  EXPECT_EQ(shown(approved(bob)).state, "approved");
}

}  // namespace
}  // namespace millrace::registry
