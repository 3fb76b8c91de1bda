#include <fmt/format.h>

#include "api/native/known.h"
#include "api/native/paging.h"
#include "api/native/reads.h"
#include "track/names.h"
#include "track/points/buckets.h"
#include "track/rows.h"
#include "track/run_rows.h"
#include "track/table/compare.h"
#include "track/table/run_facts.h"
#include "track/table/run_table.h"

namespace millrace::api::native {
namespace {

constexpr int64_t kSeriesPoints = 1'000;

// What the routes below keep between requests.
struct Tables {
  Tables(const store::Database& database, Context& context) : runs(database, context), columns(database, context) {}
  track::RunTable runs;
  track::ColumnCounts columns;
};

std::vector<std::string> list_of(const std::string& text) {
  std::vector<std::string> out{""};
  for (const char c : text)
    if (c == ',')
      out.emplace_back();
    else
      out.back() += c;
  std::erase(out, "");
  return out;
}

// ?name=a,b&name=c: all of them.
std::vector<std::string> lists_of(const Request& in, std::string_view name) {
  std::vector<std::string> out;
  for (const auto& [key, value] : in.query)
    if (key == name)
      for (auto& each : list_of(value)) out.push_back(std::move(each));
  return out;
}

Result<track::View> view_of(const Request& in) {
  const auto text = in.query_value("view").value_or("active");
  if (text == "active") return track::View::active;
  if (text == "deleted") return track::View::deleted;
  if (text == "all") return track::View::all;
  return Error{Code::invalid, fmt::format("'{}' is no view", text.substr(0, 100))}.at_field("view").hint(
      "active, deleted or all");
}

// Searches know MLflow's words, in which no field is named.
Error in_field(Error error, const char* field) {
  return error.where().field.empty() && error.code() == Code::invalid ? std::move(error).at_field(field)
                                                                      : std::move(error);
}

Result<std::vector<track::RunColumn>> columns_of(const Request& in) {
  std::vector<track::RunColumn> out;
  for (const auto& name : lists_of(in, "columns")) {
    MILLRACE_TRY(auto column, track::parse_column(name));
    if (std::find(out.begin(), out.end(), column) == out.end()) out.push_back(std::move(column));
  }
  if (out.size() > track::kColumnsMost)
    return Error{Code::invalid,
                 fmt::format("{} columns are asked for, {} are the most", out.size(), track::kColumnsMost)}
        .at_field("columns")
        .hint("ask for those that are seen");
  return out;
}

Result<bool> yes_of(const Request& in, const char* name, bool otherwise) {
  const auto text = in.query_value(name).value_or(otherwise ? "true" : "false");
  if (text != "true" && text != "false")
    return Error{Code::invalid, fmt::format("'{}' must be true or false", name)}.at_field(name);
  return text == "true";
}

Result<Json> runs(Tables& tables, const Request& in) {
  track::RunPage page{.common = lists_of(in, "columns") == std::vector<std::string>{"common"}};
  if (!page.common) {
    MILLRACE_TRY(page.columns, columns_of(in));
  }
  MILLRACE_TRY(page.count, yes_of(in, "total", true));
  MILLRACE_TRY(const auto limit, page_limit(in));
  MILLRACE_TRY(const auto view, view_of(in));
  auto found = tables.runs.page(in.caller.workspace,
                                {.experiment_ids = lists_of(in, "experiment"),
                                 .filter = in.query_value("filter").value_or(""),
                                 .order_by = lists_of(in, "order"),
                                 .view = view,
                                 .max_results = limit,
                                 .page_token = in.query_value("after").value_or("")},
                                std::move(page));
  if (!found) return in_field(std::move(found).error(), in.query_value("filter") ? "filter" : "order");
  Json items = Json::array();
  for (auto& row : found->rows) {
    auto item = track::info_json(row.info);
    item["values"] = std::move(row.values);
    items.push_back(std::move(item));
  }
  Json names = Json::array();
  for (const auto& column : found->columns) names.push_back(column.name());
  return Json{{"items", std::move(items)},
              {"columns", std::move(names)},
              {"next", found->next.empty() ? Json(nullptr) : Json(found->next)},
              {"total", found->total ? Json(*found->total) : Json(nullptr)}};
}

Result<Json> total(Tables& tables, const Request& in) {
  MILLRACE_TRY(const auto view, view_of(in));
  auto found = tables.runs.total(
      in.caller.workspace,
      {.experiment_ids = lists_of(in, "experiment"), .filter = in.query_value("filter").value_or(""), .view = view});
  if (!found) return in_field(std::move(found).error(), "filter");
  return Json{{"total", *found}};
}

bool holds(const std::string& text, const std::string& part) {
  const auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

Result<Json> columns(Services& s, Tables& tables, const Request& in) {
  MILLRACE_TRY(const auto slice, page_slice(in));
  const auto q = in.query_value("q").value_or("");
  std::vector<std::string> experiments;
  MILLRACE_DO(s.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(experiments, track::experiments_of(session, in.caller.workspace, lists_of(in, "experiment")));
    return {};
  }));
  std::vector<track::Entity> kinds{track::Entity::metric, track::Entity::param, track::Entity::tag};
  if (const auto kind = in.query_value("kind"); kind && !kind->empty()) {
    MILLRACE_TRY(const auto entity, track::parse_entity(*kind));
    kinds = {entity};
  }
  std::vector<track::UsedColumn> found;
  for (const auto kind : kinds) {
    MILLRACE_TRY(const auto some, tables.columns.of(in.caller.workspace, experiments, kind));
    for (const auto& each : *some)
      if (q.empty() || holds(each.column.name(), q)) found.push_back(each);
  }
  if (kinds.size() > 1)
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.runs > b.runs; });
  return page_of(found, slice, [](const track::UsedColumn& each) {
    return Json{{"column", each.column.name()}, {"runs", each.runs}};
  });
}

Result<Json> compare(Services& s, const Request& in) {
  const auto ids = lists_of(in, "ids");
  if (ids.size() < 2 || ids.size() > track::kComparedMost)
    return Error{Code::invalid,
                 fmt::format("{} runs are named; from 2 to {} can be compared", ids.size(), track::kComparedMost)}
        .at_field("ids")
        .hint("?ids=RUN,RUN");
  MILLRACE_TRY(const auto slice, page_slice(in));
  MILLRACE_TRY(const bool differ, yes_of(in, "differ", false));
  Json out;
  MILLRACE_DO(s.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto infos, track::load_run_infos(session, in.caller.workspace, ids));
    Json runs = Json::array();
    for (const auto& id : ids) {
      const auto info = infos.find(id);
      if (info == infos.end())
        return Error{Code::not_found, fmt::format("there is no run '{}'", id.substr(0, 100))}.at_field("ids").hint(
            "GET /runs lists those that there are");
      runs.push_back(track::info_json(info->second));
    }
    MILLRACE_TRY(const auto columns, track::compared_columns(session, in.caller.workspace, ids, differ));
    std::vector<track::RunColumn> shown;
    for (size_t i = slice.from; i < std::min(columns.size(), slice.from + slice.count); ++i)
      shown.push_back(columns[i].column);
    MILLRACE_TRY(const auto values, track::values_of(session, in.caller.workspace, ids, shown));
    out = page_of(columns, slice, [&](const track::ComparedColumn& each) {
      Json row = Json::array();
      for (const auto& of_run : values) {
        const auto* value = find(of_run, each.column.name());
        row.push_back(value == nullptr ? Json(nullptr) : value->is_object() ? (*value)["last"] : *value);
      }
      return Json{{"column", each.column.name()}, {"values", std::move(row)}, {"differs", each.differs}};
    });
    out["rows"] = std::move(out["items"]);
    out.erase("items");
    out["runs"] = std::move(runs);
    return {};
  }));
  return out;
}

// Registered versions that were made of the run.
Result<Json> versions_of(Services& s, const Request& in) {
  Json out = Json::array();
  MILLRACE_TRY(const auto project, optional_project(s));
  MILLRACE_TRY(const auto found,
               s.registry.search_versions(in.caller.workspace, project ? &*project : nullptr,
                                          {.filter = "run_id = '" + in.arg("run") + "'", .max_results = 100}));
  for (const auto& shown : found.items)
    out.push_back({{"model", shown.entry.model},
                   {"version", shown.entry.version},
                   {"node", fmt::format("model:{}@{}", shown.entry.model, shown.entry.version)},
                   {"state", shown.entry.state}});
  return out;
}

Result<void> check_run(const Request& in) {
  auto good = track::check_run_id(in.arg("run"));
  return good ? good : Result<void>(std::move(good).error().at_field("run"));
}

Result<Json> run(Services& s, const Request& in) {
  MILLRACE_DO(check_run(in));
  Json out;
  MILLRACE_DO(s.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(out, track::run_facts(session, in.caller.workspace, in.arg("run")));
    return {};
  }));
  MILLRACE_TRY(out["versions"], versions_of(s, in));
  return out;
}

Result<Json> values(Services& s, const Request& in) {
  MILLRACE_DO(check_run(in));
  track::ValuesPage page{.q = in.query_value("q").value_or(""), .after = in.query_value("after").value_or("")};
  MILLRACE_TRY(page.limit, page_limit(in, 100));
  MILLRACE_TRY(page.entity, track::parse_entity(in.query_value("kind").value_or("metric")));
  track::RunValues found;
  MILLRACE_DO(s.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto info, track::load_run_info(session, in.caller.workspace, in.arg("run")));
    (void)info;
    MILLRACE_TRY(found, track::run_values(session, in.caller.workspace, in.arg("run"), page));
    return {};
  }));
  return Json{{"items", std::move(found.items)},
              {"next", found.next.empty() ? Json(nullptr) : Json(found.next)},
              {"total", found.total}};
}

Result<std::optional<int64_t>> bound_of(const Request& in, std::string_view name) {
  if (!in.query_value(name)) return std::optional<int64_t>();
  MILLRACE_TRY(const auto value, query_integer(in, name, 0));
  return std::optional(value);
}

Result<track::BucketRange> range_of(const Request& in) {
  track::BucketRange out;
  const auto by = in.query_value("by").value_or("step");
  if (by != "step" && by != "time")
    return Error{Code::invalid, fmt::format("points do not go by '{}'", by.substr(0, 100))}.at_field("by").hint(
        "step or time");
  out.by_time = by == "time";
  MILLRACE_TRY(const auto points, query_integer(in, "points", kSeriesPoints));
  if (points < 1 || points > static_cast<int64_t>(track::kBucketsMost))
    return Error{Code::invalid, fmt::format("'points' must be from 1 to {}, not {}", track::kBucketsMost, points)}
        .at_field("points");
  out.buckets = static_cast<size_t>(points);
  MILLRACE_TRY(out.from, bound_of(in, out.by_time ? "from_time" : "from_step"));
  MILLRACE_TRY(out.to, bound_of(in, out.by_time ? "to_time" : "to_step"));
  if (out.from && out.to && *out.from > *out.to)
    return Error{Code::invalid, fmt::format("the range is empty: {} to {}", *out.from, *out.to)}.at_field(
        out.by_time ? "to_time" : "to_step");
  return out;
}

Json point_json(const track::Bucket& bucket) {
  const auto number = [&](double value, bool known) { return known ? Json(value) : Json(nullptr); };
  return Json::array({bucket.at.step, bucket.at.timestamp, number(bucket.least, bucket.numbers > 0),
                      number(bucket.greatest, bucket.numbers > 0), number(bucket.at.value, !bucket.at.is_nan)});
}

Result<Json> series(Services& s, const Request& in) {
  MILLRACE_DO(check_run(in));
  const auto key = in.query_value("key").value_or("");
  if (key.empty()) return Error{Code::invalid, "the metric is missing"}.at_field("key").hint("?key=METRIC");
  MILLRACE_TRY(const auto range, range_of(in));
  track::BucketCurve curve;
  MILLRACE_DO(s.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto info, track::load_run_info(session, in.caller.workspace, in.arg("run")));
    MILLRACE_TRY(curve, track::bucket_curve(session, {in.caller.workspace, info.id, key}, range));
    return {};
  }));
  Json points = Json::array();
  for (const auto& bucket : curve.buckets) points.push_back(point_json(bucket));
  return Json{{"key", key}, {"n", curve.total}, {"shown", points.size()}, {"exact", curve.exact}, {"points", points}};
}

Result<Json> experiments(Services& s, const Request& in) {
  MILLRACE_TRY(const auto slice, page_slice(in));
  MILLRACE_TRY(const auto view, view_of(in));
  (void)view;
  track::ExperimentRows found;
  MILLRACE_DO(s.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(found, track::experiment_rows(session, in.caller.workspace,
                                               {.q = in.query_value("q").value_or(""),
                                                .view = in.query_value("view").value_or("active"),
                                                .from = slice.from,
                                                .count = slice.count}));
    return {};
  }));
  const auto end = slice.from + found.items.size();
  return Json{{"items", std::move(found.items)},
              {"next", static_cast<int64_t>(end) < found.total ? Json(std::to_string(end)) : Json(nullptr)},
              {"total", found.total}};
}

}  // namespace

Routes run_routes(Services& s) {
  const std::string base = "/api/millrace/v1", runs_at = base + "/runs";
  const auto tables = std::make_shared<Tables>(s.database, s.context);
  return {
      read_route(
          runs_at, [tables](const Request& in) { return runs(*tables, in); },
          "A table of runs: ?experiment=ID,ID&filter=&order=&columns=metrics.auc,params.depth&view=; filter and order "
          "are in MLflow's language. columns=common: what most of the page's runs have. total=false: 'total' is null "
          "unless it is known already."),
      read_route(
          runs_at + "/total", [tables](const Request& in) { return total(*tables, in); },
          "How many runs a filter has: ?experiment=&filter=&view=. Counting may take longer than a page of them."),
      read_route(
          runs_at + "/columns", [&s, tables](const Request& in) { return columns(s, *tables, in); },
          "What metrics, parameters and tags runs have, most used first: ?experiment=&q=&kind=metric|param|tag."),
      read_route(
          runs_at + "/compare", [&s](const Request& in) { return compare(s, in); },
          "Runs side by side: ?ids=RUN,RUN&differ=true for what is not the same in all."),
      read_route(
          runs_at + "/{run}", [&s](const Request& in) { return run(s, in); },
          "One run: what it is, the first of what it logged, its datasets and models."),
      read_route(
          runs_at + "/{run}/values", [&s](const Request& in) { return values(s, in); },
          "All of what a run logged, by key: ?kind=metric|param|tag&q=."),
      read_route(
          runs_at + "/{run}/series", [&s](const Request& in) { return series(s, in); },
          "A metric's points as buckets that keep the extremes: ?key=&points=1000&by=step|time&from_step=&to_step= "
          "(or from_time=&to_time= in milliseconds); [step, time, min, max, last] each."),
      read_route(
          base + "/experiments", [&s](const Request& in) { return experiments(s, in); },
          "Experiments with how many runs they have, newest first: ?q=&view=."),
  };
}

}  // namespace millrace::api::native
