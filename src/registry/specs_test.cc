#include "registry/testing.h"

namespace millrace::registry {
namespace {

class Specs : public testing::RegistryTest {
 protected:
  std::string error(const std::string& from, const std::string& to) {
    auto text = *read_file(project / "millrace.yaml", 1 << 20);
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    write("millrace.yaml", text);
    const auto project = loaded();
    auto models = read_models(project);
    auto deployments = read_deployments(project);
    const Error* failed = !models ? &models.error() : !deployments ? &deployments.error() : nullptr;
    write_project(1);
    if (failed == nullptr) return "ok";
    EXPECT_GT(failed->where().line, 0) << failed->text();
    return failed->message() + " | " + failed->hint();
  }
};

TEST_F(Specs, reads_all_of_a_model) {
  gates = "[contract_held, {auc: {min: 0.76}}, {group_recall: {by: [origin], min: 0.35, rows: 5}}]";
  approvals = "{count: 2}";
  write_project(1);
  const auto model = spec();
  EXPECT_EQ(model.name, "late");
  EXPECT_EQ(model.stage, "train");
  EXPECT_EQ(model.scored_file, "scored.parquet");
  EXPECT_EQ(model.scored_report, "report.json");
  EXPECT_EQ(model.contract, project / "late.odcs.yaml");
  EXPECT_EQ(model.approvals, 2);
  EXPECT_EQ(model.approver_role, "approver");
  ASSERT_EQ(model.gates.size(), 3U);
  EXPECT_EQ(to_text(model.gates[0].parameters), R"({"max_quarantined":0.01})");
  EXPECT_EQ(to_text(model.gates[1].parameters), R"({"interval":0.95,"min":0.76})");
  EXPECT_EQ(to_text(model.gates[2].parameters), R"({"by":["origin"],"interval":0.95,"min":0.35,"rows":5})");
  EXPECT_EQ(deployment().unit, "tailnum");
}

TEST_F(Specs, a_wrong_name_has_its_place_and_the_nearest_right_one) {
  EXPECT_EQ(error("label: late", "labl: late"), "unknown key 'labl' | did you mean 'label'?");
  EXPECT_EQ(error("stage: train\n    file", "stage: trains\n    file"),
            "there is no stage 'trains' | did you mean 'train'?");
  EXPECT_EQ(error("file: model.onnx", "file: modle.onnx"),
            "there is no out of the stage 'train' named 'modle.onnx' | did you mean 'model.onnx'?");
  EXPECT_EQ(error("file: scored.parquet", "file: score.parquet"),
            "there is no out of the stage 'evaluate' named 'score.parquet' | did you mean 'scored.parquet'?");
  EXPECT_EQ(error("card_complete", "card_complet"), "there is no gate 'card_complet' | did you mean 'card_complete'?");
  EXPECT_EQ(error("auc: {min", "auc: {mn"), "the gate 'auc' has no parameter 'mn' | did you mean 'min'?");
  EXPECT_EQ(error("owner: ada", "ownr: ada"), "there is no field of the card named 'ownr' | did you mean 'owner'?");
  EXPECT_EQ(error("role: approver", "role: aprover"),
            "there is no role that approves named 'aprover' | did you mean 'approver'?");
  EXPECT_EQ(error("{model: late", "{model: lat"), "there is no model 'lat' | did you mean 'late'?");
}

TEST_F(Specs, values_out_of_range_are_refused) {
  EXPECT_EQ(error("min: 0.7", "min: 1.7"), "min is 1.7, and must be a number from 0 to 1 | ");
  EXPECT_EQ(error("min: 0.7", "min: high"), "min is high, and must be a number from 0 to 1 | ");
  EXPECT_EQ(error("{auc: {min: 0.7}}", "auc"), "the gate 'auc' needs 'min' | min: a number from 0 to 1, the floor");
  EXPECT_EQ(error("count: 1", "count: 0"), "count is 0, and must be from 1 to 10 | ");
  EXPECT_EQ(error("contract: late.odcs.yaml", "contract: lost.odcs.yaml"),
            "the file 'lost.odcs.yaml' does not exist | give the ODCS contract of the model's inputs");
  EXPECT_EQ(error("unit: tailnum", "guard: pass"),
            "there is no guard 'pass' | write guard: reject, which refuses a row that breaks the contract, clamp, "
            "which puts a "
            "number to the nearest one that it allows, or flag, which answers and says so");
  EXPECT_EQ(error("unit: tailnum", "canary: {share: 1}"),
            "share is 1, and must be above 0 and below 1 | 0.1 gives the canary a tenth of the units");
  EXPECT_EQ(error("unit: tailnum", "canary: {share: 0}"),
            "share is 0, and must be above 0 and below 1 | 0.1 gives the canary a tenth of the units");
  EXPECT_EQ(error("unit: tailnum", "canary: {shares: 0.1}"), "unknown key 'shares' | did you mean 'share'?");
  for (const char* alias : {"latest", "LATEST", "v12", "'a b'", "a.b"})
    EXPECT_NE(error("unit: tailnum", std::string("alias: ") + alias).find("cannot be an alias"), std::string::npos)
        << alias;
}

TEST_F(Specs, a_deployment_may_have_a_canary_share_and_an_alias) {
  deployments = "deployments:\n  late: {model: late, unit: tailnum, canary: {share: 0.1}, alias: champion-2_a}\n";
  write_project(1);
  EXPECT_EQ(deployment().canary_share, 0.1);
  EXPECT_EQ(deployment().alias, "champion-2_a");
}

TEST_F(Specs, a_deployment_may_have_its_models_in_processes) {
  EXPECT_EQ(error("unit: tailnum", "isolation: thread"),
            "there is no isolation 'thread' | in_process (in the server, after a trial in a child) or process (in a "
            "process of its own)");
  EXPECT_EQ(deployment().isolation, "in_process");
  deployments = "deployments:\n  late: {model: late, isolation: process}\n";
  write_project(1);
  EXPECT_EQ(deployment().isolation, "process");
}

TEST_F(Specs, a_deployment_may_say_its_runtime_and_the_header_of_its_units) {
  EXPECT_EQ(error("unit: tailnum", "runtime: onnxruntim"),
            "there is no runtime 'onnxruntim' | did you mean 'onnxruntime'?");
  EXPECT_EQ(error("unit: tailnum", "unit_heade: X-User"), "unknown key 'unit_heade' | did you mean 'unit_header'?");
  EXPECT_EQ(error("unit: tailnum", "unit_header: 'X User'"),
            "'X User' is not a name of a header | write e.g. unit_header: X-User-Id; letters, digits, '-' and '_'");
  EXPECT_EQ(error("unit: tailnum", "unit_header: ''"),
            "'' is not a name of a header | write e.g. unit_header: X-User-Id; letters, digits, '-' and '_'");
  EXPECT_EQ(error("unit: tailnum", "unit_header: Authorization"),
            "the unit cannot be the header 'Authorization', which is a secret | units are kept in the prediction log: "
            "let the gateway send an id, e.g. X-User-Id");
  EXPECT_EQ(deployment().runtime, "");
  deployments = "deployments:\n  late: {model: late, runtime: native, unit_header: X-User-Id}\n";
  write_project(1);
  EXPECT_EQ(deployment().runtime, "native");
  EXPECT_EQ(deployment().unit_header, "x-user-id");
  deployments = "deployments:\n  late: {model: late, runtime: auto, review: [{name: odd, share: 0.5}]}\n";
  write_project(1);
  EXPECT_EQ(deployment().runtime, "") << "auto is what it is without";
  EXPECT_EQ(deployment().review.at(0).name, "odd");
}

TEST_F(Specs, an_alias_is_one_deployments_stable_arm) {
  deployments = "deployments:\n  late: {model: late, alias: champion}\n  later: {model: late, alias: champion}\n";
  write_project(1);
  const auto read = read_deployments(loaded());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message(),
            "the deployments 'late' and 'later' both bind the alias 'champion' of the model 'late'");
}

TEST_F(Specs, a_contract_outside_the_project_is_refused) {
  EXPECT_NE(error("contract: late.odcs.yaml", "contract: ../late.odcs.yaml"), "ok");
}

TEST_F(Specs, a_project_without_models_has_none) {
  write("millrace.yaml", "millrace: 1\nproject: tried\n");
  EXPECT_TRUE(read_models(loaded())->empty());
  EXPECT_TRUE(read_deployments(loaded())->empty());
}

}  // namespace
}  // namespace millrace::registry
