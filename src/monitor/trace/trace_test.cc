#include "monitor/trace/trace.h"

#include <cmath>

#include <fmt/format.h>

#include "registry/testing.h"

namespace millrace::monitor {
namespace {

constexpr Micros kDay = 86'400'000'000;
constexpr int64_t kBatchDays = 28;
constexpr int64_t kStart = 15'706;  // 2013-01-01

// A dataset of readings that comes in batches of four weeks, a stage for the requests of each, and a shop that is not
// in them. `fault` changes a row of a batch before it is written.
struct Row {
  double warm = 0, damp = 0, wind = 0;
  std::string site;
};
using Fault = std::function<void(Row&)>;

class TraceTest : public millrace::testing::RegistryTest {
 protected:
  std::unique_ptr<Tracer> tracer;
  std::string sql =
      "SELECT taken AS event_time, coalesce(warm, -1) AS warm, wind, site FROM readings ORDER BY taken, site";

  void SetUp() override {
    RegistryTest::SetUp();
    sources =
        "sources:\n  readings: {contract: readings.odcs.yaml, kind: append, event_time: taken, path: r.csv}\n"
        "  sales: {contract: sales.odcs.yaml, kind: append, event_time: taken, path: s.csv}\n";
    write("readings.odcs.yaml", contract("readings", "warm, damp, wind", true));
    write("sales.odcs.yaml", contract("sales", "sold", false));
    tracer = std::make_unique<Tracer>(TraceParts{world.context, services->datasets, services->pipelines, *models,
                                                 *services->engines, *services->blobs, state / "predictions",
                                                 state / "tmp"});
  }
  static std::string contract(const std::string& name, const std::string& numbers, bool site) {
    std::string out = fmt::format(
        "apiVersion: v3.1.0\nkind: DataContract\nid: {0}\nname: {0}\nversion: 1.0.0\nstatus: active\nschema:\n"
        "  - name: {0}\n    logicalType: object\n    properties:\n"
        "      - {{name: taken, logicalType: timestamp, required: true}}\n",
        name);
    for (size_t at = 0; at < numbers.size();) {
      const auto end = std::min(numbers.find(", ", at), numbers.size());
      out += fmt::format("      - {{name: {}, logicalType: number}}\n", numbers.substr(at, end - at));
      at = end + 2;
    }
    return out + (site ? "      - {name: site, logicalType: string}\n" : "");
  }

  static Micros from(int64_t batch) { return (kStart + batch * kBatchDays) * kDay; }

  void add(const std::string& name, int64_t batch, const std::string& csv) {
    write(name + ".csv", csv);
    const auto known = data::read_sources(loaded());
    ASSERT_TRUE(known) << known.error().text();
    const auto added = services->datasets.add(caller,
                                              {.source = *data::find_source(*known, name),
                                               .files = {project / (name + ".csv")},
                                               .from = from(batch),
                                               .to = from(batch + 1)},
                                              *known);
    ASSERT_TRUE(added) << added.error().text();
    ASSERT_TRUE(added->is_selectable());
  }
  // The same for the same batch: a season, weather, a day's warmth.
  void add_readings(int64_t batch, const Fault& fault = {}) {
    SeededRandom random(static_cast<uint64_t>(100 + batch));
    const auto chance = [&] { return static_cast<double>(random.next() >> 11) * 0x1p-53; };
    std::string csv = "taken,warm,damp,wind,site\n";
    double weather = 0;
    for (int64_t d = 0; d < kBatchDays; ++d) {
      weather = 0.6 * weather + 6 * (chance() - 0.5);
      for (int64_t h = 0; h < 24; ++h) {
        Row row{.warm = 50 + 0.1 * static_cast<double>(batch * kBatchDays + d) + weather +
                        8 * std::sin(static_cast<double>(h) / 4) + chance(),
                .wind = std::round(6 + weather + 4 * chance()),
                .site = h % 2 == 0 ? "north" : "south"};
        row.damp = 90 - 0.5 * row.warm + 2 * chance();
        if (fault) fault(row);
        csv += fmt::format("{},{:.1f},{:.2f},{},{}\n", to_iso(from(batch) + d * kDay + h * kDay / 24), row.warm,
                           row.damp, row.wind, row.site);
      }
    }
    add("readings", batch, csv);
  }
  void add_sales(int64_t batch) {
    SeededRandom random(static_cast<uint64_t>(500 + batch));
    std::string csv = "taken,sold\n";
    for (int64_t h = 0; h < kBatchDays * 24; ++h)
      csv += fmt::format("{},{}\n", to_iso(from(batch) + h * kDay / 24), random.next() % 40);
    add("sales", batch, csv);
  }

  // A stage for each batch, all of the same file, and one of the sales.
  void write_stages(int64_t batches, const std::string& params = "") {
    write("requests.sql", sql);
    std::string yaml;
    for (int64_t b = 3; b < batches; ++b)
      yaml += fmt::format(
          "    requests_{}: {{sql: requests.sql, deps: [{{dataset: readings, from: {}, to: {}}}], outs: "
          "[requests_{}.parquet]{}}}\n",
          b, to_iso(from(b - 1)).substr(0, 10), to_iso(from(b + 1)).substr(0, 10), b, params);
    stages(yaml);
  }
  void make_history(int64_t batches, const Fault& last = {}) {
    write_stages(batches);
    for (int64_t b = 0; b < batches; ++b) add_readings(b, b + 1 == batches ? last : Fault{}), add_sales(b);
    const auto job = run();
    ASSERT_EQ(job.state, "done") << job.error << log_of(job);
  }
  Json traced(int64_t batch, const std::string& kind = "drift", const std::string& subject = "warm") {
    const auto document = tracer->trace(
        caller, {.deployment = "late", .kind = kind, .subject = subject, .from = from(batch), .to = from(batch + 1)},
        loaded());
    EXPECT_TRUE(document) << document.error().text();
    return document ? *document : Json::object();
  }
};

void to_celsius(Row& row) { row.warm = (row.warm - 32) / 1.8; }

TEST_F(TraceTest, a_unit_that_changed_is_the_cause_with_version_column_and_path) {
  make_history(6, to_celsius);
  const auto document = traced(5);
  ASSERT_EQ(document["verdict"], "cause") << to_pretty(document);
  EXPECT_EQ(document["cause"]["node"], "dataset:readings@6");
  EXPECT_EQ(document["cause"]["columns"], Json({"warm"}));
  EXPECT_EQ(document["cause"]["change"], "unit");
  EXPECT_EQ(document["candidates"][0]["path"], Json({"readings.warm", "requests_5.warm", "warm"}));
  EXPECT_NE(to_text(document).find("0.556 x - 17.8"), std::string::npos) << to_pretty(document);
  EXPECT_FALSE(document["candidates"][0]["evidence"][0]["text"].get<std::string>().empty());
}

TEST_F(TraceTest, a_season_that_moves_a_column_is_natural_drift) {
  make_history(7);
  const auto document = traced(6);
  EXPECT_EQ(document["verdict"], "natural_drift") << to_pretty(document);
  EXPECT_EQ(document["cause"], nullptr);
  EXPECT_EQ(document["movement"][0]["columns"], Json({"warm"}));
}

TEST_F(TraceTest, too_little_history_says_how_much_is_needed) {
  write_stages(2);
  for (int64_t b = 0; b < 2; ++b) add_readings(b, b == 1 ? Fault(to_celsius) : Fault{});
  const auto document = traced(1);
  EXPECT_EQ(document["verdict"], "not_enough_evidence");
  EXPECT_NE(document["summary"].get<std::string>().find("1 earlier batches at most; 3 are needed"), std::string::npos)
      << document["summary"];
}

TEST_F(TraceTest, a_column_that_cannot_reach_the_alert_is_no_cause_of_its_drift) {
  make_history(6, [](Row& row) { row.damp = 0; });
  const auto of_warm = traced(5);
  EXPECT_NE(of_warm["verdict"], "cause") << to_pretty(of_warm);
  const auto of_the_dataset = traced(5, "quarantine", "readings");
  EXPECT_EQ(of_the_dataset["verdict"], "cause") << to_pretty(of_the_dataset);
  EXPECT_EQ(of_the_dataset["cause"]["columns"], Json({"damp"}));
}

TEST_F(TraceTest, code_that_changed_since_the_last_window_is_a_cause_when_the_data_is_quiet) {
  make_history(6);
  sql = "SELECT taken AS event_time, coalesce(warm, -1) * 2 AS warm, wind, site FROM readings ORDER BY taken, site";
  write("requests.sql", sql);
  const auto job = run({{"stages", {"requests_5"}}});
  ASSERT_EQ(job.state, "done") << job.error << log_of(job);
  const auto document = traced(5);
  EXPECT_EQ(document["verdict"], "cause") << to_pretty(document);
  EXPECT_EQ(document["candidates"][0]["kind"], "code") << to_pretty(document);
}

TEST_F(TraceTest, a_recode_is_named_and_the_same_question_gets_the_same_answer) {
  make_history(6, [](Row& row) { row.site = row.site == "south" ? "S" : row.site; });
  auto first = traced(5, "drift", "site"), second = traced(5, "drift", "site");
  EXPECT_EQ(first["cause"]["change"], "recode") << to_pretty(first);
  EXPECT_NE(to_text(first).find("site = south is gone"), std::string::npos);
  first.erase("at"), second.erase("at");
  EXPECT_EQ(to_text(first), to_text(second));
}

TEST_F(TraceTest, a_question_without_sense_is_refused_with_its_field) {
  write_stages(1);
  const auto refused = [&](Question question) { return tracer->trace(caller, question, loaded()).error(); };
  const Question good{.deployment = "late", .kind = "drift", .subject = "warm", .from = from(0), .to = from(1)};
  auto kind = good, subject = good, period = good;
  kind.kind = "sadness", subject.subject = "", period.to = period.from;
  EXPECT_EQ(refused(kind).text(),
            "field kind: 'sadness' is no kind of alert. Hint: one of drift, nulls, performance, refusals, quarantine, "
            "latency");
  EXPECT_EQ(refused(subject).where().field, "subject");
  EXPECT_EQ(refused(period).where().field, "to");
  EXPECT_EQ(refused(good).code(), Code::not_found);
}

}  // namespace
}  // namespace millrace::monitor
