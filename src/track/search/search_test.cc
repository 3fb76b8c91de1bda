#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include <fmt/format.h>

#include "core/codes/base64.h"
#include "core/json.h"
#include "track/points/series.h"
#include "track/rows.h"
#include "track/search/query.h"
#include "track/testing.h"

namespace millrace::track {
namespace {

// Runs a to e: metric m is 1, 2, 2, NaN, missing; param p is the name; tag team is ops for a and c.
class SearchTest : public ::testing::Test {
 protected:
  SearchTest() {
    const double values[] = {1, 2, 2, NAN};
    for (int i = 0; i < 5; ++i) {
      const std::string name(1, static_cast<char>('a' + i));
      const auto id = world.run(name).info.id;
      ids.push_back(id);
      Batch batch;
      if (i < 4) batch.metrics.push_back({.key = "m", .value = values[i]});
      batch.params.push_back({"p", name + "_X"});
      if (i == 0 || i == 2) batch.tags.push_back({"team", "ops"});
      EXPECT_TRUE(world.tracking.log_batch(world.ada, id, batch));
    }
  }

  // The names of the runs that are found, in order.
  std::string find(const std::string& filter, const std::vector<std::string>& order = {}, View view = View::active) {
    const auto page = world.tracking.search_runs(
        world.ada, {.experiment_ids = {"0"}, .filter = filter, .order_by = order, .view = view});
    if (!page) return page.error().message();
    std::string names;
    for (const auto& run : page->items) names += run.info.name;
    return names;
  }

  testing::Tracked world;
  std::vector<std::string> ids;
};

TEST_F(SearchTest, the_newest_come_first) { EXPECT_EQ(find(""), "edcba"); }

TEST_F(SearchTest, metrics_are_compared_as_numbers) {
  EXPECT_EQ(find("metrics.m >= 2"), "cb");
  EXPECT_EQ(find("metrics.m = 1"), "a");
  EXPECT_EQ(find("metrics.m != 2"), "da");  // NaN differs from every number, a missing metric does not compare
  EXPECT_EQ(find("metrics.m = 0"), "");     // NaN is not the zero that stands for it
  EXPECT_EQ(find("metrics.none > 0"), "");
}

TEST_F(SearchTest, texts_are_compared_with_and_without_case) {
  EXPECT_EQ(find("params.p = 'a_X'"), "a");
  EXPECT_EQ(find("params.p LIKE '%X' AND params.p != 'a_X'"), "edcb");
  EXPECT_EQ(find("params.p LIKE '%x'"), "");
  EXPECT_EQ(find("params.p ILIKE 'A%x'"), "a");
  EXPECT_EQ(find("params.p LIKE 'a_X'"), "a");
  EXPECT_EQ(find("params.p LIKE '[a]_X'"), "");  // no wildcard of the engine's own
  EXPECT_EQ(find("params.p LIKE '*'"), "");
  EXPECT_EQ(find("params.p LIKE 'a\\_X'"), "");  // a backslash is a letter
  EXPECT_EQ(find("tags.team = 'ops'"), "ca");
  EXPECT_EQ(find("tags.team IS NULL"), "edb");
  EXPECT_EQ(find("tags.team IS NOT NULL AND metrics.m < 2"), "a");
  EXPECT_EQ(find("attributes.run_name = 'c'"), "c");
  EXPECT_EQ(find("run_id IN ('" + ids[1] + "', '" + ids[3] + "')"), "db");
  EXPECT_EQ(find("run_id NOT IN ('" + ids[1] + "')"), "edca");
  EXPECT_EQ(find("status = 'RUNNING' AND start_time > 0 AND end_time > 0"), "");
}

TEST_F(SearchTest, what_is_written_in_a_filter_stays_a_value) {
  EXPECT_EQ(find("params.p = 'x'' OR 1=1 --'"), "");
  EXPECT_EQ(find("params.`p' OR '1'='1` = 'x'"), "");
}

TEST_F(SearchTest, nan_then_missing_come_last_in_both_directions) {
  EXPECT_EQ(find("", {"metrics.m ASC"}), "acbde");
  EXPECT_EQ(find("", {"metrics.m DESC"}), "cbade");
  EXPECT_EQ(find("", {"tags.team DESC", "params.p ASC"}), "acbde");
  EXPECT_EQ(find("", {"start_time ASC"}), "abcde");
  EXPECT_EQ(find("", {"end_time DESC", "run_name ASC"}), "abcde");
}

TEST_F(SearchTest, views_show_the_active_the_deleted_or_all) {
  ASSERT_TRUE(world.tracking.delete_run(world.ada, ids[1]));
  EXPECT_EQ(find(""), "edca");
  EXPECT_EQ(find("", {}, View::deleted), "b");
  EXPECT_EQ(find("", {}, View::all), "edcba");
}

TEST_F(SearchTest, datasets_can_be_searched) {
  const DatasetInput input{{"frame", "abc", "local", "{}", "", ""}, {{"mlflow.data.context", "training"}}};
  ASSERT_TRUE(world.tracking.log_inputs(world.ada, ids[2], {input}, {}));
  EXPECT_EQ(find("datasets.name = 'frame' AND dataset.digest LIKE 'a%' AND datasets.context = 'training'"), "c");
  EXPECT_EQ(find("datasets.context IN ('validation')"), "");
}

TEST_F(SearchTest, pages_stay_right_while_runs_are_added_and_removed) {
  for (const std::vector<std::string>& order :
       {std::vector<std::string>{}, {"metrics.m DESC"}, {"params.p ASC"}, {"metrics.none ASC", "tags.team DESC"}}) {
    Search search{.experiment_ids = {"0"},
                  .filter = "params.p LIKE '%X'",
                  .order_by = order,
                  .view = View::all,
                  .max_results = 2};
    const auto whole = find(search.filter, order, View::all);
    std::string names;
    do {
      const auto page = world.tracking.search_runs(world.ada, search);
      ASSERT_TRUE(page) << page.error().text();
      for (const auto& run : page->items) names += run.info.name;
      search.page_token = page->next;
      world.run("new");  // has no params: matches nothing
    } while (!search.page_token.empty());
    EXPECT_EQ(names, whole);
  }
}

TEST_F(SearchTest, a_token_of_another_search_is_refused) {
  const auto page = world.tracking.search_runs(world.ada, {.experiment_ids = {"0"}, .max_results = 2});
  ASSERT_FALSE(page->next.empty());
  EXPECT_FALSE(world.tracking.search_runs(
      world.ada, {.experiment_ids = {"0"}, .filter = "metrics.m > 1", .max_results = 2, .page_token = page->next}));
  for (const auto* token : {"x", "!!!", "e30", "eyJsYXN0IjpbXX0"})
    EXPECT_FALSE(
        world.tracking.search_runs(world.ada, {.experiment_ids = {"0"}, .max_results = 2, .page_token = token}))
        << token;
}

// Many runs in three experiments, some deleted, with metrics that are tied, NaN or missing: every way that a search can
// go finds what a look at each run finds, on every page.
class ManyRunsTest : public ::testing::Test {
 protected:
  struct Known {
    std::string id, experiment;
    int64_t start = 0;
    bool active = true;
    std::map<std::string, double> metrics;  // may be NaN
    std::string param, tag;                 // "" = it has none; those of 65 characters differ in the last
  };

  ManyRunsTest() {
    std::mt19937_64 random(3);
    for (int i = 0; i < 400; ++i) {
      Known run{.id = fmt::format("{:016x}", random()),
                .experiment = std::to_string(random() % 3),
                .start = static_cast<int64_t>(random() % 60),
                .active = random() % 8 != 0};
      for (const auto* key : {"a", "b"}) {
        const auto chance = random() % 10;
        if (chance < 8) run.metrics[key] = chance == 0 ? NAN : static_cast<double>(random() % 20) - 10;
      }
      if (const auto chance = random() % 8; chance > 0)
        run.param = chance < 4 ? fmt::format("{:v>64}{}", "", chance) : fmt::format("x{}", chance);
      if (random() % 20 == 0) run.tag = "rare";
      runs.push_back(std::move(run));
    }
    const auto done = world.store.database->write([&](store::Session& session) -> Result<void> {
      for (const auto& run : runs) MILLRACE_DO(insert(session, run));
      return {};
    });
    EXPECT_TRUE(done) << done.error().text();
  }

  static Result<void> insert(store::Session& session, const Known& run) {
    MILLRACE_TRY(
        const auto done,
        session.execute(
            "INSERT INTO track_runs (workspace, id, experiment_id, name, user_id, status, start_time, artifact_uri, "
            "lifecycle_stage, recorded_at) VALUES ('default', ?, ?, '', '', 'RUNNING', ?, '', ?, 0)",
            {run.id, run.experiment, run.start, std::string(run.active ? "active" : "deleted")}));
    (void)done;
    if (!run.param.empty())
      MILLRACE_DO(store_pair(session, "track_params", "run_id", "default", run.id, {"p", run.param}));
    if (!run.tag.empty())
      MILLRACE_DO(store_pair(session, "track_run_tags", "run_id", "default", run.id, {"t", run.tag}));
    Additions added;
    for (const auto& [key, value] : run.metrics) added[key].add(clamped(run.start, 0, value), {});
    return append(session, "default", {.id = run.id, .experiment_id = run.experiment, .start_time = run.start}, added);
  }

  struct Case {
    std::string filter;
    bool (*holds)(const Known&);
    std::vector<std::string> order;
    bool (*comes_before)(const Known&, const Known&);
  };

  std::vector<std::string> expected(const Case& each, const std::set<std::string>& experiments, View view) const {
    std::vector<Known> found;
    for (const auto& run : runs)
      if (experiments.contains(run.experiment) && (view == View::all || run.active == (view == View::active)) &&
          each.holds(run))
        found.push_back(run);
    std::sort(found.begin(), found.end(), each.comes_before);
    std::vector<std::string> ids;
    for (const auto& run : found) ids.push_back(run.id);
    return ids;
  }

  std::vector<std::string> found(Search search, const Leads& leads) const {
    std::vector<std::string> ids;
    const auto done = world.store.database->read([&](store::Session& session) -> Result<void> {
      do {
        MILLRACE_TRY(auto page, find_ids(session, runs_subject, "default", search, leads));
        EXPECT_LE(page.ids.size(), static_cast<size_t>(search.max_results));
        std::move(page.ids.begin(), page.ids.end(), std::back_inserter(ids));
        search.page_token = page.next;
      } while (!search.page_token.empty());
      return {};
    });
    EXPECT_TRUE(done) << done.error().text();
    return ids;
  }

  static bool newest(const Known& a, const Known& b) { return std::tie(b.start, a.id) < std::tie(a.start, b.id); }
  static int rank(const Known& run, const std::string& key) {
    const auto at = run.metrics.find(key);
    return at == run.metrics.end() ? 2 : std::isnan(at->second) ? 1 : 0;
  }
  static double value(const Known& run, const std::string& key) {
    return rank(run, key) == 0 ? run.metrics.at(key) : 0;
  }
  static bool least_a(const Known& x, const Known& y) {
    const auto p = rank(x, "a"), q = rank(y, "a");
    if (p != q) return p < q;
    return value(x, "a") != value(y, "a") ? value(x, "a") < value(y, "a") : newest(x, y);
  }
  static bool greatest_a(const Known& x, const Known& y) {
    const auto p = rank(x, "a"), q = rank(y, "a");
    if (p != q) return p < q;
    return value(x, "a") != value(y, "a") ? value(x, "a") > value(y, "a") : newest(x, y);
  }
  static bool by_id(const Known& x, const Known& y) { return x.id < y.id; }

  mutable testing::Tracked world;
  std::vector<Known> runs;
};

TEST_F(ManyRunsTest, every_way_finds_the_same) {
  const Case cases[] = {
      {"", [](const Known&) { return true; }, {}, newest},
      {"", [](const Known&) { return true; }, {"metrics.a ASC"}, least_a},
      {"", [](const Known&) { return true; }, {"metrics.a DESC"}, greatest_a},
      {"metrics.a > 3", [](const Known& r) { return rank(r, "a") == 0 && value(r, "a") > 3; }, {}, newest},
      {"metrics.a >= 3 AND metrics.a < 6",
       [](const Known& r) { return rank(r, "a") == 0 && value(r, "a") >= 3 && value(r, "a") < 6; },
       {"metrics.a DESC"},
       greatest_a},
      {"metrics.a != 3",
       [](const Known& r) { return rank(r, "a") < 2 && (rank(r, "a") == 1 || value(r, "a") != 3); },
       {"metrics.a ASC"},
       least_a},
      {"metrics.b <= 0",
       [](const Known& r) { return rank(r, "b") == 0 && value(r, "b") <= 0; },
       {"metrics.a DESC"},
       greatest_a},
      {"metrics.b = 0 AND metrics.a > -5",
       [](const Known& r) {
         return rank(r, "b") == 0 && value(r, "b") == 0 && rank(r, "a") == 0 && value(r, "a") > -5;
       },
       {"run_id ASC"},
       by_id},
      {"start_time > 20 AND metrics.a < 100",
       [](const Known& r) { return r.start > 20 && rank(r, "a") == 0; },
       {"metrics.a ASC", "start_time DESC"},
       least_a},
      {"params.p = 'x5'", [](const Known& r) { return r.param == "x5"; }, {}, newest},
      {"params.p = 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv2' AND metrics.a < 9",
       [](const Known& r) { return r.param.ends_with("v2") && rank(r, "a") == 0 && value(r, "a") < 9; },
       {"metrics.a DESC"},
       greatest_a},
      {"tags.t = 'rare' AND params.p != 'x4'",
       [](const Known& r) { return r.tag == "rare" && !r.param.empty() && r.param != "x4"; },
       {"run_id ASC"},
       by_id}};
  const Leads all_leads[] = {{},
                             {.experiments = 0},
                             {.few = 0, .some = 0, .at_once = 7},
                             {.few = 0, .some = 10'000, .at_once = 7},
                             {.few = 10'000, .at_once = 7}};
  for (const auto& each : cases)
    for (const auto& experiments : {std::set<std::string>{"1"}, {"0", "2"}, {"0", "1", "2", "77"}})
      for (const auto view : {View::active, View::all})
        for (const auto& leads : all_leads)
          for (const int64_t page : {9, 1'000}) {
            const Search search{.experiment_ids = {experiments.begin(), experiments.end()},
                                .filter = each.filter,
                                .order_by = each.order,
                                .view = view,
                                .max_results = page};
            ASSERT_EQ(found(search, leads), expected(each, experiments, view))
                << each.filter << " | " << fmt::format("{}", fmt::join(each.order, ", ")) << " | " << leads.few << " "
                << leads.some << " | " << page << " | " << experiments.size();
          }
}

// Notes how the engine means to answer each statement.
class Watched final : public store::Session {
 public:
  Watched(store::Session& session, std::vector<std::string>& plans) : session_(session), plans_(plans) {}
  Result<store::Rows> query(std::string_view sql, const store::Values& values) override {
    MILLRACE_TRY(const auto steps, session_.query(fmt::format("EXPLAIN QUERY PLAN {}", sql), values));
    for (const auto& step : steps) plans_.push_back(step.text(3));
    return session_.query(sql, values);
  }
  Result<int64_t> execute(std::string_view sql, const store::Values& values) override {
    return session_.execute(sql, values);
  }

 private:
  store::Session& session_;
  std::vector<std::string>& plans_;
};

TEST_F(ManyRunsTest, runs_that_an_index_names_are_looked_up_one_by_one) {
  if (testing::on_postgres()) return;  // which explains in other words
  const auto plans_of = [&](const std::string& filter, std::vector<std::string> order, const Leads& leads) {
    std::vector<std::string> plans;
    const auto done = world.store.database->read([&](store::Session& session) -> Result<void> {
      Watched watched(session, plans);
      const Search search{
          .experiment_ids = {"0", "1"}, .filter = filter, .order_by = std::move(order), .max_results = 5};
      MILLRACE_TRY(const auto page, find_ids(watched, runs_subject, "default", search, leads));
      EXPECT_FALSE(page.ids.empty()) << filter;
      MILLRACE_TRY(const auto found, load_runs(watched, "default", page.ids));
      EXPECT_EQ(found.size(), page.ids.size());
      return {};
    });
    EXPECT_TRUE(done) << done.error().text();
    return plans;
  };
  const Leads small{.few = 0, .at_once = 40}, large{};
  for (const auto* leads : {&small, &large})
    for (const std::string filter : {"metrics.a > 3", "metrics.a > 3 AND tags.t = 'rare'", "params.p = 'x5'"})
      for (const std::vector<std::string>& order : {std::vector<std::string>{}, {"metrics.a DESC"}}) {
        const auto plans = plans_of(filter, order, *leads);
        const auto has = [&](std::string_view what) {
          return std::any_of(plans.begin(), plans.end(), [&](const auto& plan) { return plan.starts_with(what); });
        };
        for (const std::string table : {"track_params", "track_run_tags", "track_latest_metrics"})
          EXPECT_TRUE(has("SEARCH f USING INDEX sqlite_autoindex_" + table + "_1 (workspace=? AND run_id=?)")) << table;
        EXPECT_FALSE(has("SCAN t")) << fmt::format("{}", fmt::join(plans, "\n"));
        if (filter.starts_with("metrics") || leads == &large) {
          EXPECT_FALSE(has("SEARCH t USING INDEX track_runs_recent")) << fmt::format("{}", fmt::join(plans, "\n"));
        }
        EXPECT_EQ(has("SEARCH track_params USING INDEX track_params_lead"), filter.starts_with("params"));
      }
}

TEST_F(SearchTest, a_token_with_other_kinds_of_values_is_refused) {
  const auto page = world.tracking.search_runs(world.ada, {.experiment_ids = {"0"}, .max_results = 2});
  auto token = *parse_json(*from_any_base64(page->next), "token");
  token["last"][0] = "yesterday";
  EXPECT_FALSE(world.tracking.search_runs(
      world.ada, {.experiment_ids = {"0"}, .max_results = 2, .page_token = to_base64url(to_text(token))}));
}

TEST_F(SearchTest, page_sizes_have_bounds) {
  EXPECT_FALSE(world.tracking.search_runs(world.ada, {.experiment_ids = {"0"}, .max_results = 0}));
  EXPECT_FALSE(world.tracking.search_runs(world.ada, {.experiment_ids = {"0"}, .max_results = 50'001}));
  EXPECT_TRUE(world.tracking.search_runs(world.ada, {.experiment_ids = {}, .max_results = 50'000})->items.empty());
}

TEST_F(SearchTest, experiments_are_found_by_name_tag_and_time_in_order_of_number) {
  for (int i = 1; i <= 12; ++i) {
    world.store.world.clock.advance(1'000'000);
    ASSERT_TRUE(world.tracking.create_experiment(
        world.ada,
        {.name = fmt::format("exp {}", i), .artifact_location = "", .tags = {{"odd", i % 2 ? "yes" : "no"}}}));
  }
  const auto ids_of = [&](const Search& search) {
    const auto page = world.tracking.search_experiments(world.ada, search);
    if (!page) return page.error().message();
    std::string out;
    for (const auto& experiment : page->items) out += experiment.id + " ";
    return out;
  };
  EXPECT_EQ(ids_of({.filter = "tags.odd = 'no'", .order_by = {"experiment_id ASC"}}), "2 4 6 8 10 12 ");
  EXPECT_EQ(ids_of({.filter = "name LIKE 'exp 1%'"}), "12 11 10 1 ");
  EXPECT_EQ(ids_of({.filter = "name = 'Default'"}), "0 ");
  EXPECT_NE(ids_of({.filter = "metrics.a > 1"}).find("Invalid entity type"), std::string::npos);
}

}  // namespace
}  // namespace millrace::track
