// The whole page, from the made-up half year in testdata/flights.json (made by testdata/make.py), from nothing, from
// documents that wish us ill, and from one that is far too long.
#include "report/render.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "report/words.h"

namespace millrace::report {
namespace {

Json half_year() {
  std::string folder = absolute(".");
  const std::string name = "/src/report/testdata/flights.json";
  while (!exists(folder + name) && folder.size() > 1) folder = parent_of(folder);
  auto text = read_file(folder + name, 4 << 20);
  if (!text) return Json();
  auto parsed = parse_json(*text, "flights.json");
  return parsed ? *parsed : Json();
}

bool has(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

size_t times(const std::string& text, std::string_view what) {
  size_t out = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++out;
  return out;
}

// What the page says, without its markup and with plain spaces.
std::string said(const std::string& html) {
  std::string out;
  bool inside = false;
  for (size_t i = html.find("<body>"); i < html.size(); ++i) {
    if (html[i] == '<') inside = true;
    if (!inside && html.compare(i, 2, "\xC2\xA0") == 0) {
      out += ' ';
      ++i;
    } else if (!inside) {
      out += html[i];
    }
    if (html[i] == '>') inside = false;
  }
  return out;
}

// Every text of a document replaced, keys and times left.
void fill(Json& json, const std::string& words) {
  if (json.is_string()) {
    const auto old = json.get<std::string>();
    const bool structural = parse_time(old).ok() || old == "cause" || old == "all" || old == "stable" ||
                            old == "canary" || old == "shadow" || old == "drift" || old == "firing" || old == "late" ||
                            old == "quarantined";
    if (!structural) json = words;
  }
  if (json.is_structured())
    for (auto& item : json) fill(item, words);
}

TEST(Render, tells_the_half_year) {
  const auto page = said(render(half_year()));
  for (const char* sentence :
       {"something is wrong", "Version 2 of late answers since 1 Sep 2013.",
        "weather version 2, Feb 2013: all 611 rows were refused", "5 steps since 1 Jul 2013",
        "version 1 and 10 % on version 2", "temp went furthest, to", "12 alerts so far, 4 not resolved",
        "It explains 3 alerts: drift of temp, drift of dewp, AUC of version 2.",
        "From 30 Sep to 1 Oct the daily mean of temp falls", "version 2 was worth more than version 1",
        "412 lines in the audit chain", "still open"})
    EXPECT_TRUE(has(page, sentence)) << sentence;
}

TEST(Render, is_the_same_for_the_same_facts) { EXPECT_EQ(render(half_year()), render(half_year())); }

TEST(Render, asks_nothing_of_anybody) {
  const auto page = render(half_year());
  for (const char* way : {"<script", "http://", "https://", "src=", "<link", "<iframe", "<img", "<object", "<form",
                          "@import", "url(", "javascript:", " on"})
    EXPECT_EQ(way == std::string(" on") ? times(page, " onload=") + times(page, " onclick=") : times(page, way), 0U)
        << way;
  EXPECT_TRUE(has(page, "default-src &#39;none&#39;; style-src &#39;sha256-"));
  EXPECT_EQ(times(page, "style=\""), 0U) << "the policy would not let it count";
}

TEST(Render, policy_names_the_style_sheet_by_its_hash) {
  const auto policy = content_security_policy();
  EXPECT_TRUE(policy.starts_with("default-src 'none'; style-src 'sha256-")) << policy;
  EXPECT_EQ(policy.substr(policy.find("sha256-") + 7).find("'"), 44U) << "base64 of 32 bytes";
}

TEST(Render, every_drawing_has_a_table_behind_it) {
  const auto page = render(half_year());
  size_t figures = 0;
  for (auto at = page.find("<figure>"); at != std::string::npos; at = page.find("<figure>", at + 1)) {
    const auto end = page.find("</figure>", at);
    const auto figure = page.substr(at, end - at);
    EXPECT_TRUE(has(figure, "<svg")) << figure.substr(0, 200);
    EXPECT_LT(figure.find("<svg"), figure.rfind("<table")) << figure.substr(0, 200);
    ++figures;
  }
  EXPECT_GE(figures, 9U);
}

TEST(Render, has_a_heading_for_every_landmark) {
  const auto page = render(half_year());
  EXPECT_EQ(times(page, "<h1>"), 1U);
  EXPECT_EQ(times(page, "<main"), 1U);
  EXPECT_EQ(times(page, "<section "), 11U);
  EXPECT_EQ(times(page, "<h2 "), 11U);
  EXPECT_EQ(times(page, "role=\"img\" aria-label=\"\""), 0U);
}

TEST(Render, of_nothing_says_what_to_do_next) {
  for (const auto& document : {Json(Json::object()), Json(nullptr), Json("text"),
                               Json::parse(R"({"deployments": 5, "datasets": [1, null, "x"]})")}) {
    const auto page = render(document);
    EXPECT_EQ(times(page, "<section "), 11U);
    EXPECT_TRUE(has(page, "millrace release create DEPLOYMENT"));
    EXPECT_FALSE(has(page, "nan"));
  }
}

TEST(Render, a_deployment_without_windows_is_not_watched_yet) {
  const Json document{
      {"deployments",
       {{{"name", "late"},
         {"releases", {{{"number", 1}, {"version", 1}, {"model", "late"}, {"created_at", "2026-01-01"}}}}}}}};
  const auto page = said(render(document));
  EXPECT_TRUE(has(page, "not watched yet"));
  EXPECT_TRUE(has(page, "millrace monitor look late"));
  EXPECT_TRUE(has(page, "Version 1 of late answers since 1 Jan 2026."));
}

TEST(Render, lets_no_markup_of_users_in) {
  const std::string attack =
      "</style></title><script>alert(1)</script><img src=x onerror=\"alert('2')\"><svg/onload=alert(3)>";
  auto document = half_year();
  fill(document, attack);
  const auto page = render(document);
  EXPECT_FALSE(has(page, "<script")) << "a script came in";
  EXPECT_FALSE(has(page, "<img"));
  EXPECT_FALSE(has(page, "<svg/"));
  EXPECT_EQ(times(page, "</style>"), 1U);
  EXPECT_EQ(times(page, "</title><script"), 0U);
  EXPECT_GE(times(page, "&lt;script&gt;alert(1)&lt;/script&gt;"), 30U) << "it is shown as what it is";
}

TEST(Render, survives_values_of_other_kinds) {
  const auto twist = [](auto&& self, Json& json, int depth) -> void {
    if (json.is_number() && depth % 2 == 0)
      json = "many";
    else if (json.is_number())
      json = nullptr;
    if (json.is_structured())
      for (auto& item : json) self(self, item, depth + 1);
  };
  auto document = half_year();
  twist(twist, document, 0);
  EXPECT_EQ(times(render(document), "<section "), 11U);
}

// Ten years of weeks, 300 columns, thousands of alerts, batches and releases, all with long names.
Json endless() {
  auto document = half_year();
  auto& deployment = document["deployments"][0];
  const auto column = deployment["windows"][0]["summary"]["columns"][0];
  const auto window = deployment["windows"][0], alert = deployment["alerts"][3], release = deployment["releases"][2],
             month = deployment["impact"]["months"][0];
  for (int i = 0; i < 520; ++i) {
    auto more = window;
    more["from"] = to_iso(1'400'000'000'000'000 + i * 604'800'000'000);
    more["to"] = to_iso(1'400'000'000'000'000 + (i + 1) * 604'800'000'000);
    more["summary"]["columns"] = Json::array();
    for (int k = 0; i > 490 && k < 300; ++k) {
      auto one = column;
      one["column"] = std::string(200, 'x') + std::to_string(k);
      more["summary"]["columns"].push_back(one);
    }
    deployment["windows"].push_back(more);
    more["arm"] = "stable";
    more["version"] = 2;
    deployment["windows"].push_back(more);
    auto worth = month;
    worth["month"] = to_iso(1'400'000'000'000'000 + i * 2'592'000'000'000).substr(0, 7);
    deployment["impact"]["months"].push_back(worth);
  }
  for (int i = 0; i < 3'000; ++i) {
    auto one = alert;
    one["subject"] = std::string(150, 'y') + std::to_string(i);
    one["trace"]["cause"]["node"] = "dataset:weather@" + std::to_string(i % 400);
    one["trace"]["candidates"][0]["node"] = one["trace"]["cause"]["node"];
    deployment["alerts"].push_back(one);
    deployment["releases"].push_back(release);
    document["datasets"].push_back(document["datasets"][1]);
    document["models"].push_back(document["models"][0]);
  }
  return document;
}

// Bounds: the kPeriods newest periods, kTableRows rows a table, and so on.
TEST(Render, stays_small_however_long_the_history_is) {
  const auto page = render(endless());
  EXPECT_LT(page.size(), kReportBytes);
  EXPECT_TRUE(has(said(page), "the newest 24 of 526 periods"));
  EXPECT_LT(render(half_year()).size(), 300'000U);
}

}  // namespace
}  // namespace millrace::report
