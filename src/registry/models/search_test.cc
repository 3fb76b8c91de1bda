#include "registry/models/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "registry/models/entries.h"
#include "store/testing.h"

namespace millrace::registry {
namespace {

using testing::SqliteStore;
using testing::Store;

// Rows as the registry writes them, without the files behind them.
template <class Kept>
struct Filled {
  Kept store;

  void model(const std::string& name, Micros updated, const std::vector<track::KeyValue>& tags = {}) {
    put("INSERT INTO registered_models (workspace, name, description, author, created_at, updated_at, last_version, "
        "deleted_at) VALUES ('default', ?, '', 'ada', ?, ?, 0, 0)",
        {name, updated, updated});
    for (const auto& tag : tags)
      put("INSERT INTO model_tags (workspace, model, key, value) VALUES ('default', ?, ?, ?)",
          {name, tag.key, tag.value});
  }
  void version(const std::string& model, int64_t number, Micros updated, const std::vector<track::KeyValue>& tags = {},
               const std::string& run = "", const std::string& source = "runs:/r/model") {
    put("INSERT INTO model_versions (workspace, model, version, identity, run_id, stage_node, author, digests, files, "
        "facts, created_at, source, updated_at) VALUES ('default', ?, ?, ?, ?, '', 'ada', '{}', '{}', '{}', ?, ?, ?)",
        {model, number, std::to_string(number), run, updated, source, updated});
    for (const auto& tag : tags)
      put("INSERT INTO model_version_tags (workspace, model, version, key, value) VALUES ('default', ?, ?, ?, ?)",
          {model, number, tag.key, tag.value});
  }
  void put(const std::string& sql, const store::Values& values) {
    const auto done = store.execute(sql, values);
    ASSERT_TRUE(done) << done.error().text();
  }

  Result<FoundKeys> find(Searched what, const RegistrySearch& search, Leads leads = {}) {
    FoundKeys out;
    MILLRACE_DO(store.database->read([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(out, find_keys(session, "default", what, search, leads));
      return {};
    }));
    return out;
  }
  // "a/2 a/1", or of models "a b", or what was refused.
  std::string found(Searched what, const std::string& filter, std::vector<std::string> order_by = {}) {
    std::string out;
    for (const size_t few : {0, 2'000}) {
      const auto page =
          find(what, {.filter = filter, .order_by = order_by, .max_results = 1'000, .page_token = {}}, {.few = few});
      if (!page) return page.error().message();
      const auto text = words(page->keys, what);
      EXPECT_TRUE(few == 0 || text == out) << filter << ": " << out << " or " << text;
      out = text;
    }
    return out;
  }
  static std::string words(const std::vector<VersionKey>& keys, Searched what) {
    std::vector<std::string> out;
    for (const auto& [name, number] : keys)
      out.push_back(what == Searched::models ? name : fmt::format("{}/{}", name, number));
    return fmt::format("{}", fmt::join(out, " "));
  }
  std::string models(const std::string& filter, std::vector<std::string> order_by = {}) {
    return found(Searched::models, filter, std::move(order_by));
  }
  std::string versions(const std::string& filter, std::vector<std::string> order_by = {}) {
    return found(Searched::versions, filter, std::move(order_by));
  }
};

struct RegistrySearches : ::testing::Test {
  Filled<Store> rows;

  void SetUp() override {
    rows.model("A320", 5'000, {{"team", "red"}});
    rows.model("A380", 2'000, {{"team", "blue"}, {"tier", "1"}});
    rows.model("b-52", 2'400, {{"team", "Red"}});
    rows.model("greeting", 9'000, {{"mlflow.prompt.is_prompt", "true"}, {"team", "red"}});
    rows.version("A320", 1, 1'000, {{"n", "1"}}, "r1");
    rows.version("A320", 2, 5'000, {{"n", "2"}, {"good", ""}}, "r1");
    rows.version("A380", 1, 2'000, {{"n", "1"}}, "r2", "runs:/r2/other_model");
    rows.version("b-52", 1, 2'400, {}, "", "");  // of the pipeline
    rows.version("greeting", 1, 9'000, {{"mlflow.prompt.is_prompt", "true"}, {"n", "1"}}, "", "dummy-source");
  }
};

TEST_F(RegistrySearches, models_by_name_tag_and_time) {
  EXPECT_EQ(rows.models(""), "A320 A380 b-52");
  EXPECT_EQ(rows.models("name = 'A320'"), "A320");
  EXPECT_EQ(rows.models("name != 'A320' AND last_updated_timestamp <= 2"), "A380 b-52");
  EXPECT_EQ(rows.models("name IN ('A320', 'b-52', 'x')"), "A320 b-52");
  EXPECT_EQ(rows.models("name NOT IN ('A320')"), "A380 b-52");
  EXPECT_EQ(rows.models("name LIKE 'A3%'"), "A320 A380");
  EXPECT_EQ(rows.models("name LIKE 'a3%'"), "");
  EXPECT_EQ(rows.models("name LIKE '%0' AND name LIKE 'A3_0'"), "A320 A380");
  EXPECT_EQ(rows.models("name ILIKE 'B%'"), "b-52");
  EXPECT_EQ(rows.models("tags.team = 'red'"), "A320");
  EXPECT_EQ(rows.models("tags.team != 'red'"), "A380 b-52") << "what lacks the tag differs from nothing";
  EXPECT_EQ(rows.models("tags.tier != '2'"), "A380");
  EXPECT_EQ(rows.models("tags.team ILIKE 'RED' AND tags.team LIKE 'R%'"), "b-52");
  EXPECT_EQ(rows.models("tags.tier IS NULL"), "A320 b-52");
  EXPECT_EQ(rows.models("", {"last_updated_timestamp DESC"}), "A320 A380 b-52") << "a tie is one by milliseconds";
  EXPECT_EQ(rows.models("", {"timestamp ASC", "name DESC"}), "b-52 A380 A320");
  EXPECT_EQ(rows.models("", {"name DESC"}), "b-52 A380 A320");
}

TEST_F(RegistrySearches, versions_by_all_that_they_have) {
  EXPECT_EQ(rows.versions(""), "A320/2 A380/1 b-52/1 A320/1");
  EXPECT_EQ(rows.versions("name = 'A320'"), "A320/2 A320/1");
  EXPECT_EQ(rows.versions("version_number < 2 AND name LIKE 'A3%'"), "A380/1 A320/1");
  EXPECT_EQ(rows.versions("version_number = '2'"), "A320/2") << "numbers may stand in quotes";
  EXPECT_EQ(rows.versions("version_number != 1", {"name"}), "A320/2");
  EXPECT_EQ(rows.versions("run_id = 'r1'"), "A320/2 A320/1");
  EXPECT_EQ(rows.versions("run_id IN ('r1', 'r2') AND tags.n = '1'"), "A380/1 A320/1");
  EXPECT_EQ(rows.versions("tags.n = '1' AND tags.n != '2'"), "A380/1 A320/1");
  EXPECT_EQ(rows.versions("tags.good = ''"), "A320/2");
  EXPECT_EQ(rows.versions("tags.n IS NOT NULL AND tags.good IS NULL"), "A380/1 A320/1");
  EXPECT_EQ(rows.versions("source_path = 'runs:/r2/other_model'"), "A380/1");
  EXPECT_EQ(rows.versions("source_path LIKE 'runs:/r2%'"), "A380/1");
  EXPECT_EQ(rows.versions("source_path = 'millrace:model:b-52@1'"), "b-52/1");
  EXPECT_EQ(rows.versions("source_path != 'runs:/r/model'"), "A380/1 b-52/1");
  EXPECT_EQ(rows.versions("", {"version_number DESC", "name DESC"}), "A320/2 b-52/1 A380/1 A320/1");
  EXPECT_EQ(rows.versions("", {"creation_timestamp"}), "A320/1 A380/1 b-52/1 A320/2");
  EXPECT_EQ(rows.versions("", {"name ASC"}), "A320/2 A320/1 A380/1 b-52/1");
}

TEST_F(RegistrySearches, prompts_are_there_for_who_asks) {
  EXPECT_EQ(rows.models("tags.`mlflow.prompt.is_prompt` = 'true'"), "greeting");
  EXPECT_EQ(rows.models("tags.`mlflow.prompt.is_prompt` != 'false' AND tags.team = 'red'"), "greeting");
  EXPECT_EQ(rows.models("tags.`mlflow.prompt.is_prompt` != 'true'"), "A320 A380 b-52");
  EXPECT_EQ(rows.models("tags.`mlflow.prompt.is_prompt` = 'false' AND tags.team = 'red'"), "A320");
  EXPECT_EQ(rows.versions("tags.`mlflow.prompt.is_prompt` = 'true'"), "greeting/1");
  EXPECT_EQ(rows.versions("name = 'greeting'"), "");
}

TEST_F(RegistrySearches, long_values_are_compared_to_their_end) {
  const std::string head(120, 'x');
  rows.model("long", 1, {{"text", head + "1"}});
  rows.model("longer", 1, {{"text", head + "2"}});
  EXPECT_EQ(rows.models("tags.text = '" + head + "2'"), "longer");
  EXPECT_EQ(rows.models("tags.text = '" + head + "'"), "");
  const std::string source = "s3://bucket/" + std::string(400, 'y');
  rows.version("long", 1, 1, {}, "", source + "1");
  rows.version("long", 2, 1, {}, "", source + "2");
  EXPECT_EQ(rows.versions("source_path = '" + source + "2'"), "long/2");
}

TEST_F(RegistrySearches, refuses_what_the_language_does_not_know) {
  const auto refused = [&](Searched what, const std::string& filter, std::vector<std::string> order_by = {}) {
    const auto page =
        rows.find(what, {.filter = filter, .order_by = std::move(order_by), .max_results = 10, .page_token = {}});
    EXPECT_FALSE(page) << filter;
    return page ? "" : fmt::format("{}: {}", name_of(page.error().code()), page.error().message());
  };
  EXPECT_EQ(refused(Searched::models, "name = 'a' OR name = 'b'").find("invalid: Invalid clause(s)"), 0U);
  EXPECT_EQ(refused(Searched::models, "run_id = 'a'").find("invalid: Invalid attribute key 'run_id'"), 0U);
  EXPECT_EQ(refused(Searched::models, "metrics.a > 1").find("invalid: Invalid entity type 'metrics'"), 0U);
  EXPECT_EQ(refused(Searched::models, "tags.a > '1'").find("invalid: Invalid comparator '>'"), 0U);
  EXPECT_EQ(refused(Searched::versions, "version_number = 1.5"),
            "invalid: Invalid value for numeric attribute 'version_number': 1.5");
  EXPECT_EQ(refused(Searched::versions, "version_number = 'one'"),
            "invalid: Invalid value for numeric attribute 'version_number': 'one'");
  EXPECT_EQ(refused(Searched::versions, "version_number = 99999999999999999999").find("invalid: Invalid value"), 0U);
  EXPECT_EQ(refused(Searched::versions, "", {"source_path"}), "invalid: Invalid order by key 'source_path' specified.");
  EXPECT_EQ(refused(Searched::versions, "", {"tags.a"}), "invalid: Invalid order by key 'tags.a' specified.");
  EXPECT_EQ(refused(Searched::models, "", {"name", "name DESC"}),
            "invalid: `order_by` contains duplicate fields: 'name DESC'");
  for (const int64_t most : {0, 1'001})
    EXPECT_FALSE(rows.find(Searched::models, {.filter = {}, .order_by = {}, .max_results = most, .page_token = {}}));
  const RegistrySearch one{.filter = {}, .order_by = {}, .max_results = 1, .page_token = {}};
  auto other = one;
  other.filter = "name != 'x'";
  other.page_token = rows.find(Searched::models, one)->next;
  EXPECT_EQ(rows.find(Searched::models, other).error().message(), "Invalid page token");
  other = one;
  other.page_token = rows.find(Searched::models, one)->next;
  EXPECT_EQ(rows.find(Searched::versions, other).error().message(), "Invalid page token");
}

// Whatever the order, the pages together are what one page would be, while entries come, go and change in between.
TEST_F(RegistrySearches, pages_neither_repeat_nor_hide) {
  for (int i = 0; i < 60; ++i)
    rows.version(fmt::format("m{}", i % 7), i / 7 + 1, (i * 37 % 11) * 1'000, {{"kind", i % 2 == 0 ? "even" : "odd"}});
  const std::vector<std::vector<std::string>> orders = {{},
                                                        {"name DESC"},
                                                        {"version_number"},
                                                        {"creation_timestamp DESC", "version_number"},
                                                        {"last_updated_timestamp", "name DESC"}};
  int64_t added = 100;
  for (const auto& order_by : orders) {
    for (const auto* filter : {"name LIKE 'm%'", "tags.kind = 'even' AND name LIKE 'm%'"}) {
      const auto whole = rows.find(Searched::versions,
                                   {.filter = filter, .order_by = order_by, .max_results = 1'000, .page_token = {}});
      ASSERT_TRUE(whole) << whole.error().text();
      std::vector<VersionKey> seen;
      RegistrySearch asked{.filter = filter, .order_by = order_by, .max_results = 7, .page_token = {}};
      do {
        const auto page = rows.find(Searched::versions, asked, {.few = added % 2 == 0 ? 2'000U : 0U});
        ASSERT_TRUE(page) << page.error().text();
        seen.insert(seen.end(), page->keys.begin(), page->keys.end());
        asked.page_token = page->next;
        ++added;
        rows.version("m3", added, (added % 11) * 1'000, {{"kind", "even"}});
      } while (!asked.page_token.empty());
      EXPECT_EQ(std::set(seen.begin(), seen.end()).size(), seen.size()) << "a row came twice";
      std::erase_if(seen, [&](const auto& key) {
        return std::find(whole->keys.begin(), whole->keys.end(), key) == whole->keys.end();
      });
      EXPECT_EQ(Filled<Store>::words(seen, Searched::versions), Filled<Store>::words(whole->keys, Searched::versions))
          << filter << fmt::format(" {}", fmt::join(order_by, ", "));
    }
  }
}

// Hands everything on and keeps what SQLite means to do for it.
class Explained : public store::Session {
 public:
  explicit Explained(store::Session& session) : session_(session) {}
  Result<store::Rows> query(std::string_view sql, const store::Values& values) override {
    MILLRACE_TRY(const auto plan, session_.query(fmt::format("EXPLAIN QUERY PLAN {}", sql), values));
    for (const auto& row : plan) steps.push_back(row.text(3));
    return session_.query(sql, values);
  }
  Result<int64_t> execute(std::string_view sql, const store::Values& values) override {
    return session_.execute(sql, values);
  }
  std::vector<std::string> steps;

 private:
  store::Session& session_;
};

TEST(RegistrySearchPlan, no_common_search_reads_a_whole_table_or_sorts_it) {
  Filled<SqliteStore> rows;
  const auto plan = [&](Searched what, const std::string& filter, std::vector<std::string> order_by = {},
                        bool second = false) {
    std::vector<std::string> steps;
    const auto done = rows.store.database->read([&](store::Session& session) -> Result<void> {
      RegistrySearch search{.filter = filter, .order_by = std::move(order_by), .max_results = 10, .page_token = {}};
      if (second) {
        MILLRACE_TRY(const auto first, find_keys(session, "default", what, search));
        search.page_token = first.next;
      }
      Explained explained(session);
      MILLRACE_TRY(const auto found, find_keys(explained, "default", what, search, {.few = second ? 0U : 2'000U}));
      (void)found;
      steps = explained.steps;
      return {};
    });
    EXPECT_TRUE(done) << done.error().text();
    return fmt::format("{}", fmt::join(steps, "\n"));
  };
  for (int i = 1; i <= 30; ++i) {
    rows.model(fmt::format("m{}", i), i, {{"team", "red"}});
    rows.version("m1", i, i, {{"team", "red"}}, "r1");
  }
  for (const bool second : {false, true}) {
    for (const auto& [what, filter, order] : std::vector<std::tuple<Searched, std::string, std::string>>{
             {Searched::models, "", ""},
             {Searched::models, "", "last_updated_timestamp DESC"},
             {Searched::models, "name LIKE 'm%'", ""},
             {Searched::models, "tags.team = 'red'", ""},
             {Searched::versions, "", ""},
             {Searched::versions, "", "creation_timestamp DESC"},
             {Searched::versions, "", "name"},
             {Searched::versions, "name = 'm1'", ""},
             {Searched::versions, "run_id = 'r1'", ""},
             {Searched::versions, "source_path = 'runs:/r/model'", ""},
             {Searched::versions, "tags.team = 'red'", ""}}) {
      const auto text = plan(what, filter, order.empty() ? std::vector<std::string>{} : std::vector{order}, second);
      EXPECT_EQ(text.find("SCAN t"), std::string::npos) << filter << " " << order << "\n" << text;
      EXPECT_EQ(text.find("SCAN g"), std::string::npos) << filter << " " << order << "\n" << text;
      EXPECT_EQ(text.find("SCAN p"), std::string::npos) << filter << " " << order << "\n" << text;
      if (filter.starts_with("tags") || (filter.starts_with("source") && !second)) {
        EXPECT_NE(text.find("<expr>=?"), std::string::npos) << filter << "\n" << text;
      }
      if (filter.starts_with("run_id") && !second) {
        EXPECT_NE(text.find("SEARCH g USING INDEX model_versions_run (workspace=? AND run_id=?)"), std::string::npos)
            << text;
      }
      if (what == Searched::versions) {
        EXPECT_NE(text.find("SEARCH p USING INDEX model_version_tags_value (workspace=? AND key=? AND <expr>=? AND "
                            "model=?)"),
                  std::string::npos)
            << text;
      }
      if (filter.empty()) {
        EXPECT_EQ(text.find("USE TEMP B-TREE FOR ORDER BY"), std::string::npos) << order << "\n" << text;
      }
    }
  }
}

TEST(RegistrySearchPlan, a_page_is_read_by_its_keys) {
  Filled<SqliteStore> rows;
  for (int i = 1; i <= 30; ++i) rows.version("m1", i, i, {{"team", "red"}});
  std::vector<std::string> steps;
  size_t read = 0;
  const auto done = rows.store.database->read([&](store::Session& session) -> Result<void> {
    Explained explained(session);
    MILLRACE_TRY(const auto entries, load_versions(explained, "default", {{"m1", 3}, {"m1", 7}, {"m1", 99}}));
    read = entries.size();
    steps = explained.steps;
    return {};
  });
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(read, 2U);
  const auto by_key = std::count_if(steps.begin(), steps.end(), [](const std::string& step) {
    return step.starts_with("SEARCH t ") && step.ends_with("(workspace=? AND model=? AND version=?)");
  });
  EXPECT_EQ(by_key, 3) << fmt::format("{}", fmt::join(steps, "\n"));
  EXPECT_EQ(std::count_if(steps.begin(), steps.end(), [](const auto& step) { return step.starts_with("SCAN t"); }), 0);
}

}  // namespace
}  // namespace millrace::registry
