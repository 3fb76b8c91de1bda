#include "data/datasets/datasets.h"

#include <filesystem>

#include <fmt/format.h>

#include "data/testing.h"
#include "lineage/graph.h"
#include "store/testing.h"

namespace millrace::data {
namespace {

const Caller kCaller{
    .workspace = "default", .subject = "local:ada", .roles = {"admin"}, .via = "cli", .request_id = "r1"};
constexpr Micros kDay = 86'400'000'000;

constexpr auto kFlights = R"(properties:
  - {name: t, logicalType: timestamp, required: true}
  - {name: plane, logicalType: string}
quality:
  - {metric: rowCount, mustBeGreaterThan: 1, severity: error}
  - {type: custom, engine: millrace, severity: error, implementation: {metric: foreign_key, columns: [plane], reference: {dataset: planes, columns: [id]}, between: [0, 0.5]}}
)";

class DatasetsTest : public ::testing::Test {
 protected:
  millrace::testing::Store store;
  std::unique_ptr<store::Blobs> blobs = std::move(*store::open_file_blobs(store.folder / "blobs", store.world.context));
  lineage::Journal journal{*store.database, store.world.context, "main", store.folder / "audit.head"};
  Datasets datasets{*store.database, *blobs, journal, store.world.context, testing::engines(), temp()};
  Source flights{
      .name = "flights", .kind = "append", .contract_path = contract("flights", kFlights), .event_time = "t"};
  Source planes{.name = "planes",
                .kind = "snapshot",
                .contract_path = contract("planes", "properties: [{name: id, logicalType: string, unique: true}]")};
  std::vector<Source> sources{flights, planes};

  std::string temp() {
    EXPECT_TRUE(make_folders(store.folder / "tmp").ok());
    return store.folder / "tmp";
  }
  std::string contract(const std::string& name, const std::string& object) {
    return testing::write(store.folder, name + ".odcs.yaml", testing::contract_text(object));
  }
  Result<DatasetVersion> add_planes(const std::string& rows = "id\nN1\nN2\n") {
    return datasets.add(kCaller, {.source = planes, .files = {testing::write(store.folder, "planes.csv", rows)}},
                        sources);
  }
  Result<DatasetVersion> add_day(int day, const std::string& rows, int days = 1) {
    const auto file = testing::write(store.folder, fmt::format("day-{}.csv", day), "t,plane\n" + rows);
    return datasets.add(kCaller, {.source = flights, .files = {file}, .from = day * kDay, .to = (day + days) * kDay},
                        sources);
  }
};

constexpr auto kGood = "1970-01-11T05:00:00,N1\n1970-01-11T06:00:00,N2\n";

TEST_F(DatasetsTest, a_good_batch_becomes_a_version_with_its_files_findings_and_lineage) {
  ASSERT_TRUE(add_planes().ok());
  const auto version = add_day(10, "1970-01-11T05:00:00,N1\nbad,N2\n1970-01-11T06:00:00,N2\n");
  ASSERT_TRUE(version.ok()) << version.error().text();
  EXPECT_EQ(version->node(), "dataset:flights@1");
  EXPECT_EQ(version->verdict, "quarantined");
  EXPECT_EQ(version->accepted, 2);
  EXPECT_EQ(version->quarantined, 1);
  EXPECT_EQ(version->references, std::vector<std::string>{"dataset:planes@1"});
  const auto file = *blobs->path_of(version->file);
  EXPECT_EQ(testing::sql(fmt::format("SELECT plane, typeof(t) FROM read_parquet('{}')", file), file),
            R"([["N1","TIMESTAMP"],["N2","TIMESTAMP"]])");
  const auto set_aside = *blobs->path_of(version->quarantine_file);
  EXPECT_EQ(
      testing::sql(fmt::format("SELECT millrace_row, millrace_reasons, t, plane FROM read_parquet('{}')", set_aside),
                   set_aside),
      R"([[2,["t.type"],"bad","N2"]])");
  EXPECT_EQ((*datasets.findings("default", "flights", 1))["verdict"], "quarantined");
  EXPECT_EQ((*datasets.profile("default", "flights", 1))["rows"], 3);
  const auto walk = lineage::walk(*store.database, "default", "dataset:flights@1", lineage::Direction::upstream);
  ASSERT_TRUE(walk.ok());
  EXPECT_EQ(walk->nodes.size(), 6u);  // itself, its source and contract, planes with its own
}

TEST_F(DatasetsTest, the_same_batch_is_the_same_version) {
  ASSERT_TRUE(add_planes().ok());
  const auto first = add_day(10, kGood);
  ASSERT_TRUE(first.ok()) << first.error().text();
  EXPECT_EQ(add_day(10, kGood)->version, first->version);
  EXPECT_EQ(datasets.list("default", "flights")->size(), 1u);
  EXPECT_EQ(journal.read_after("default", 0, 100)->size(), 2u);
}

TEST_F(DatasetsTest, a_new_reference_version_judges_the_same_bytes_anew_and_they_count_once) {
  ASSERT_TRUE(add_planes().ok());
  ASSERT_TRUE(add_day(10, kGood).ok());
  ASSERT_TRUE(add_planes("id\nN1\nN2\nN3\n").ok());
  EXPECT_EQ(add_day(10, kGood)->version, 2);
  const auto selected = datasets.select("default", flights, 0, 0);
  ASSERT_EQ(selected->size(), 1u);
  EXPECT_EQ((*selected)[0].version, 2);
}

TEST_F(DatasetsTest, a_rejected_batch_is_recorded_and_never_selected) {
  ASSERT_TRUE(add_planes().ok());
  const auto version = add_day(10, "1970-01-11T05:00:00,N1\n");
  ASSERT_TRUE(version.ok());
  EXPECT_EQ(version->verdict, "rejected");
  EXPECT_EQ(version->file, "");
  EXPECT_EQ(datasets.select("default", flights, 0, 0).error().code(), Code::not_found);
  EXPECT_EQ(add_day(10, kGood)->version, 2);
  EXPECT_EQ((*datasets.select("default", flights, 0, 0))[0].version, 2);
}

TEST_F(DatasetsTest, periods_of_an_append_source_do_not_overlap) {
  ASSERT_TRUE(add_planes().ok());
  ASSERT_TRUE(add_day(10, kGood).ok());
  const auto other = add_day(10, "1970-01-11T07:00:00,N1\n1970-01-11T06:00:00,N2\n");
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code(), Code::conflict);
  EXPECT_FALSE(other.error().hint().empty());
  EXPECT_EQ(add_day(9, kGood, 2).error().code(), Code::conflict);
  EXPECT_TRUE(add_day(11, kGood).ok());
}

TEST_F(DatasetsTest, a_selection_takes_whole_batches_inside_the_period) {
  ASSERT_TRUE(add_planes().ok());
  for (const int day : {12, 10, 11}) ASSERT_TRUE(add_day(day, kGood).ok());
  const auto selected = datasets.select("default", flights, 10 * kDay, 12 * kDay);
  ASSERT_EQ(selected->size(), 2u);
  EXPECT_EQ((*selected)[0].period_from, 10 * kDay);
  EXPECT_EQ(datasets.select("default", flights, 10 * kDay, 11 * kDay + 1).error().code(), Code::conflict);
  EXPECT_EQ(datasets.select("default", flights, 20 * kDay, 21 * kDay).error().code(), Code::not_found);
  EXPECT_EQ((*datasets.select("default", planes, 0, 0))[0].version, 1);
}

TEST_F(DatasetsTest, says_what_is_missing) {
  const auto no_planes = add_day(10, kGood);
  EXPECT_EQ(no_planes.error().code(), Code::not_found);
  EXPECT_EQ(no_planes.error().hint(), "add it first: millrace data add planes FILE");
  EXPECT_EQ(datasets.add(kCaller, {.source = flights, .files = {"x"}}, sources).error().code(), Code::invalid);
  EXPECT_EQ(datasets.add(kCaller, {.source = planes, .files = {store.folder / "none.csv"}}, sources).error().code(),
            Code::not_found);
  EXPECT_EQ(datasets.add(kCaller, {.source = planes, .files = {store.folder.path()}}, sources).error().code(),
            Code::invalid);
  EXPECT_EQ(datasets.get("default", "planes", 3).error().code(), Code::not_found);
  EXPECT_TRUE(datasets.list("default", "")->empty());
}

TEST_F(DatasetsTest, a_damaged_batch_leaves_nothing_but_its_bytes) {
  const auto done = add_planes("id\nN1,2\n");
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code(), Code::invalid);
  EXPECT_TRUE(done.error().where().file.ends_with("/planes.csv")) << done.error().text();
  EXPECT_EQ(done.error().where().line, 2);
  EXPECT_TRUE(datasets.list("default", "")->empty());
  EXPECT_TRUE(std::filesystem::is_empty(store.folder / "tmp"));
}

}  // namespace
}  // namespace millrace::data
