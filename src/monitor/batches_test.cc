#include "monitor/batches.h"

#include "registry/testing.h"

namespace millrace::monitor {
namespace {

struct Batches : testing::RegistryTest {
  void SetUp() override {
    RegistryTest::SetUp();
    sources = "sources:\n  weather: {contract: weather.odcs.yaml, kind: append, event_time: at, path: weather.csv}\n";
    write("weather.odcs.yaml",
          "apiVersion: v3.1.0\nkind: DataContract\nid: weather\nname: Weather\nversion: 1.0.0\nstatus: active\n"
          "customProperties:\n  - {property: onFail, value: quarantine}\nschema:\n  - name: weather\n    logicalType: "
          "object\n    properties:\n      - {name: at, logicalType: timestamp, required: true}\n      - {name: temp, "
          "logicalType: number, required: true, logicalTypeOptions: {maximum: 120}}\n");
    write_project(1);
  }
  // A batch of one month with two rows, one of which the contract refuses.
  void add_month(int month) {
    write("weather.csv", fmt::format("at,temp\n2013-{0:02}-02 00:00:00,50\n2013-{0:02}-03 00:00:00,500\n", month));
    const auto known = data::read_sources(loaded());
    ASSERT_TRUE(known) << known.error().text();
    const auto added = services->datasets.add(caller,
                                              {.source = known->at(0),
                                               .files = {project / "weather.csv"},
                                               .from = *parse_time(fmt::format("2013-{:02}-01", month)),
                                               .to = *parse_time(fmt::format("2013-{:02}-01", month + 1))},
                                              *known);
    ASSERT_TRUE(added) << added.error().text();
    ASSERT_EQ(added->quarantined, 1);
  }
  static Window window(const std::string& from, const std::string& to) {
    return {.deployment = "late", .from = *parse_time(from), .to = *parse_time(to), .arm = "all"};
  }
  void replayed(const Window& window, const std::string& batch) {
    const auto line = services->journal.write(caller, [&](store::Session&) -> Result<lineage::Change> {
      return lineage::Change{.kind = "tried",
                             .node = window.node(),
                             .nodes = {{.id = window.node(), .digest = ""}},
                             .edges = {{.source = "artifact:requests/x@1", .target = window.node(), .kind = "asked"},
                                       {.source = batch, .target = "artifact:requests/x@1", .kind = "made_from"}}};
    });
    ASSERT_TRUE(line) << line.error().text();
  }
  std::vector<std::string> found(const Window& window) const {
    const auto batches = batches_behind({*services->database, services->datasets, *models}, caller.workspace, window);
    EXPECT_TRUE(batches) << batches.error().text();
    std::vector<std::string> out;
    for (const auto& batch : *batches) out.push_back(batch.node());
    return out;
  }
};
using Texts = std::vector<std::string>;

TEST_F(Batches, are_those_that_the_graph_names_upstream_of_the_window) {
  for (const int month : {1, 2, 3}) add_month(month);
  const auto february = window("2013-02-01", "2013-03-01");
  replayed(february, "dataset:weather@2");
  EXPECT_EQ(found(february), Texts{"dataset:weather@2"});
}

TEST_F(Batches, of_another_period_are_not_meant) {
  for (const int month : {1, 2}) add_month(month);
  const auto february = window("2013-02-01", "2013-03-01");
  replayed(february, "dataset:weather@1");
  EXPECT_TRUE(found(february).empty());
}

TEST_F(Batches, without_a_graph_are_those_of_every_dataset_behind_the_released_model) {
  for (const int month : {1, 2, 3}) add_month(month);
  EXPECT_TRUE(found(window("2013-02-01", "2013-03-01")).empty()) << "nothing is released";
  train_deps = "[train.sh, {dataset: weather}]";
  ready(1);
  ASSERT_TRUE(released(1));
  EXPECT_EQ(found(window("2013-02-01", "2013-03-01")), Texts{"dataset:weather@2"});
  EXPECT_EQ(found(window("2013-01-15", "2013-02-15")), (Texts{"dataset:weather@1", "dataset:weather@2"}));
  EXPECT_TRUE(found(window("2014-01-01", "2014-02-01")).empty());
}

}  // namespace
}  // namespace millrace::monitor
