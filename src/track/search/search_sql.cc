#include "track/search/search_sql.h"

#include <algorithm>

#include <fmt/format.h>

#include "track/names.h"
#include "track/search/condition_sql.h"

namespace millrace::track {
namespace {

std::string side_row(std::string_view table, std::string_view owner) {
  return fmt::format("SELECT 1 FROM {} f WHERE f.workspace = t.workspace AND f.{} = t.id", table, owner);
}

// " AND (row was measured on one of the datasets)", or nothing when any will do.
Sql on_datasets(std::string_view row, const std::vector<OnDataset>& datasets) {
  Sql sql;
  for (const auto& each : datasets)
    sql.add(fmt::format("{0}({1}.dataset_name = ? AND ? IN ('', {1}.dataset_digest))",
                        sql.text.empty() ? " AND (" : " OR ", row),
            {each.name, each.digest});
  if (!sql.text.empty()) sql.add(")");
  return sql;
}

// Of a model any of its points will do, of a run the latest.
void add_metric(Sql& sql, const Subject& subject, const Comparison& one, const std::vector<OnDataset>& datasets) {
  const auto here = on_datasets("f", datasets);
  sql.add(fmt::format("EXISTS ({} AND f.key = ?", side_row(subject.metrics, subject.owner)), {one.key});
  sql.add(here.text, here.values);
  // NaN differs from every number and compares with none.
  if (one.op == Operator::unequal)
    sql.add(" AND (f.is_nan = 1 OR f.value <> ?))", {one.number});
  else
    sql.add(fmt::format(" AND f.is_nan = 0 AND f.value {} ?)", symbol_of(one.op)), {one.number});
}

Result<void> add_comparison(Sql& sql, const Subject& subject, const Comparison& one,
                            const std::vector<OnDataset>& datasets) {
  sql.add(" AND ");
  if (one.entity == Entity::attribute && one.numeric)
    return sql.add(fmt::format("t.{} {} ?", one.key, symbol_of(one.op)), {one.number}), Result<void>{};
  if (one.entity == Entity::attribute) return add_text_condition(sql, "t." + one.key, one);
  if (one.entity == Entity::metric) return add_metric(sql, subject, one, datasets), Result<void>{};
  if (one.entity == Entity::dataset) {
    const bool context = one.key == "context";
    sql.add(fmt::format("EXISTS ({} AND ",
                        side_row(context ? "track_run_dataset_tags" : "track_run_datasets", subject.owner)));
    if (context) sql.add("f.key = 'mlflow.data.context' AND ");
    MILLRACE_DO(add_text_condition(sql, context ? "f.value" : "f." + one.key, one));
    sql.add(")");
    return {};
  }
  const auto table = one.entity == Entity::param ? subject.params : subject.tags;
  sql.add(one.op == Operator::is_null ? "NOT EXISTS (" : "EXISTS (");
  sql.add(side_row(table, subject.owner) + " AND f.key = ?", {one.key});
  if (one.op != Operator::is_null && one.op != Operator::is_not_null) {
    sql.add(" AND ");
    MILLRACE_DO(add_text_condition(sql, "f.value", one));
  }
  sql.add(")");
  return {};
}

// Every key is never null: what is missing sorts by a rank before it, last in both directions (NaN before missing).
void add_sort_keys(std::vector<SortKey>& keys, const Subject& subject, const Order& order,
                   const std::vector<OnDataset>& datasets) {
  if (order.entity == Entity::attribute) {
    const auto column = "t." + order.key;
    if (order.key == "end_time")
      keys.push_back({fmt::format("CASE WHEN {} IS NULL THEN 1 ELSE 0 END", column), {}, true});
    if (order.key == "id" && subject.numbered) keys.push_back({"length(t.id)", {}, order.ascending});
    keys.push_back({order.key == "end_time" ? "coalesce(t.end_time, 0)" : column,
                    {},
                    order.ascending,
                    order.key.ends_with("_time") ? Kind::integer : Kind::text});
    return;
  }
  const bool metric = order.entity == Entity::metric;
  const bool of_model = metric && subject.metrics == "track_model_metrics";  // which has many points of a key
  const auto table = metric ? subject.metrics : order.entity == Entity::param ? subject.params : subject.tags;
  const auto here = on_datasets("f", datasets);
  store::Values values{order.key};
  values.insert(values.end(), here.values.begin(), here.values.end());
  const auto pick = [&](std::string_view what) {
    return fmt::format(
        "(SELECT {} FROM {} f WHERE f.workspace = t.workspace AND f.{} = t.id AND f.key = ?{}{} LIMIT 1)", what, table,
        subject.owner, here.text, of_model ? " ORDER BY f.timestamp DESC, f.step DESC, f.run_id" : "");
  };
  keys.push_back({fmt::format("coalesce({}, 2)", pick(metric ? "f.is_nan" : "0")), values, true});
  keys.push_back({fmt::format("coalesce({}, {})", pick("f.value"), metric ? "0.0" : "''"), values, order.ascending,
                  metric ? Kind::real : Kind::text});
}

struct Ordered {
  Order order;
  std::vector<OnDataset> datasets;  // one or none
};

Result<std::vector<Ordered>> parse_orders(const Subject& subject, const Search& search) {
  if (search.order_by.size() > bounds::order_by)
    return Error{Code::invalid, fmt::format("order_by has at most {} clauses", bounds::order_by)};
  std::vector<Ordered> out;
  const auto is_there = [&](const Order& order, const std::vector<OnDataset>& datasets) {
    return std::any_of(out.begin(), out.end(), [&](const Ordered& each) {
      return each.order.entity == order.entity && each.order.key == order.key && each.datasets == datasets;
    });
  };
  for (size_t i = 0; i < search.order_by.size(); ++i) {
    const auto& text = search.order_by[i];
    MILLRACE_TRY(auto order, parse_order(text, subject.grammar));
    std::vector<OnDataset> datasets;
    if (i < search.order_on.size() && !search.order_on[i].name.empty()) datasets.push_back(search.order_on[i]);
    if (is_there(order, datasets))
      return Error{Code::invalid, fmt::format("`order_by` contains duplicate fields: '{}'", text)};
    out.push_back({std::move(order), std::move(datasets)});
  }
  for (const auto text : search.order_by.empty() ? subject.defaults : subject.ties) {
    MILLRACE_TRY(auto order, parse_order(text, subject.grammar));
    if (!is_there(order, {})) out.push_back({std::move(order), {}});
  }
  return out;
}

store::Value to_value(const Json& json) {
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_number()) return json.get<double>();
  return json.get<std::string>();
}

// (k0 > ?) OR (k0 = ? AND k1 < ?) OR ...: what comes after the last row of the page before.
void add_after(Sql& sql, const std::vector<SortKey>& keys, const Json& last) {
  sql.add(" WHERE (");
  for (size_t i = 0; i < keys.size(); ++i) {
    sql.add(i == 0 ? "(" : " OR (");
    for (size_t j = 0; j < i; ++j) sql.add(fmt::format("k{} = ? AND ", j), {to_value(last[j])});
    sql.add(fmt::format("k{} {} ?)", i, keys[i].ascending ? ">" : "<"), {to_value(last[i])});
  }
  sql.add(")");
}

// The first keys are known when only runs without the metric are asked for.
void fix_first_keys(std::vector<SortKey>& keys) {
  keys[0] = {.sql = "2", .values = {}, .ascending = true, .kind = Kind::integer, .constant = true};
  keys[1] = {.sql = "0.0", .values = {}, .ascending = true, .kind = Kind::real, .constant = true};
}

// The runs that a metric's index names: better than asking each run where many are counted.
void add_by_index(Sql& sql, const Subject& subject, const Comparison& one, const std::string& experiment,
                  const std::string& workspace) {
  sql.add(
      fmt::format(" AND t.id IN (SELECT f.run_id FROM {} f WHERE f.workspace = ? AND f.experiment_id = ? AND f.key = ? "
                  "AND f.is_nan = 0 AND f.value {} ?)",
                  subject.metrics, symbol_of(one.op)),
      {workspace, experiment, one.key, one.number});
}

Result<void> add_where(Sql& sql, const Question& question, const Narrow& narrow) {
  const auto& [subject, workspace, search, comparisons, orders, keys] = question;
  sql.add(fmt::format(" FROM {}{} t WHERE t.workspace = ?", narrow.ids != nullptr ? "wanted CROSS JOIN " : "",
                      subject.table),
          {workspace});
  if (narrow.ids != nullptr) sql.add(" AND t.id = wanted_id");
  if (narrow.experiment != nullptr) {
    sql.add(" AND t.experiment_id = ?", {*narrow.experiment});
  } else if (subject.in_experiments) {
    sql.add(" AND t.experiment_id IN (");
    sql.add(placeholders(search.experiment_ids, sql.values) + ")");
  }
  if (search.view != View::all)
    sql.add(search.view == View::active ? " AND t.lifecycle_stage = 'active'" : " AND t.lifecycle_stage = 'deleted'");
  for (const auto& one : comparisons) {
    if (narrow.by_index && one.entity == Entity::metric && one.op != Operator::unequal)
      add_by_index(sql, subject, one, *narrow.experiment, workspace);
    else
      MILLRACE_DO(add_comparison(sql, subject, one, search.datasets));
  }
  if (narrow.without != nullptr)
    sql.add(" AND NOT EXISTS (" + side_row(subject.metrics, subject.owner) + " AND f.key = ?)", {*narrow.without});
  const bool by_metric =
      std::any_of(comparisons.begin(), comparisons.end(), [](const auto& one) { return one.entity == Entity::metric; });
  if (!search.datasets.empty() && !by_metric) {  // then anything measured on them will do
    const auto here = on_datasets("f", search.datasets);
    sql.add(" AND EXISTS (" + side_row(subject.metrics, subject.owner) + here.text + ")", here.values);
  }
  return {};
}

}  // namespace

const Subject runs_subject{"track_runs",
                           "run_id",
                           "track_run_tags",
                           "track_params",
                           "track_latest_metrics",
                           run_grammar,
                           false,
                           true,
                           {"start_time DESC", "run_id ASC"},
                           {"start_time DESC", "run_id ASC"}};
const Subject experiments_subject{"track_experiments",
                                  "experiment_id",
                                  "track_experiment_tags",
                                  "",
                                  "",
                                  experiment_grammar,
                                  true,
                                  false,
                                  {"creation_time DESC", "experiment_id ASC"},
                                  {"experiment_id DESC"}};
const Subject models_subject{"track_models",
                             "model_id",
                             "track_model_tags",
                             "track_model_params",
                             "track_model_metrics",
                             model_grammar,
                             false,
                             true,
                             {"creation_timestamp DESC", "model_id ASC"},
                             {"creation_timestamp DESC", "model_id ASC"}};

Result<Question> parse_question(const Subject& subject, const std::string& workspace, const Search& search) {
  MILLRACE_TRY(auto comparisons, parse_filter(search.filter, subject.grammar));
  MILLRACE_TRY(const auto ordered, parse_orders(subject, search));
  std::vector<Order> orders;
  std::vector<SortKey> keys;
  for (const auto& each : ordered) {
    orders.push_back(each.order);
    add_sort_keys(keys, subject, each.order, each.datasets);
  }
  return Question{subject, workspace, search, std::move(comparisons), std::move(orders), std::move(keys)};
}

Result<store::Rows> ask(store::Session& session, const Question& question, const Narrow& narrow,
                        const std::optional<Json>& last, size_t most) {
  auto keys = question.keys;
  if (narrow.without != nullptr) fix_first_keys(keys);
  Sql sql;
  if (narrow.ids != nullptr) sql.text = with_wanted(*narrow.ids, sql.values);
  sql.add("SELECT * FROM (SELECT t.id AS id");
  for (size_t i = 0; i < keys.size(); ++i) sql.add(fmt::format(", {} AS k{}", keys[i].sql, i), keys[i].values);
  MILLRACE_DO(add_where(sql, question, narrow));
  const auto leading = static_cast<size_t>(
      std::find_if(keys.begin(), keys.end(), [](const SortKey& key) { return !key.constant; }) - keys.begin());
  // Says the same as the condition on the keys below, in words that an index can follow.
  if (last && keys[leading].sql == "t.start_time")
    sql.add(keys[leading].ascending ? " AND t.start_time >= ?" : " AND t.start_time <= ?",
            {to_value((*last)[leading])});
  sql.add(") s");
  if (last) add_after(sql, keys, *last);
  std::string_view before = " ORDER BY ";
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].constant) continue;
    sql.add(fmt::format("{}k{}{}", std::exchange(before, ", "), i, keys[i].ascending ? "" : " DESC"));
  }
  sql.add(" LIMIT ?", {static_cast<int64_t>(most)});
  return session.query(sql.text, sql.values);
}

Result<int64_t> count(store::Session& session, const Question& question, const Narrow& narrow) {
  Sql sql;
  if (narrow.ids != nullptr) sql.text = with_wanted(*narrow.ids, sql.values);
  sql.add("SELECT count(*)");
  MILLRACE_DO(add_where(sql, question, narrow));
  MILLRACE_TRY(const auto row, session.first(sql.text, sql.values));
  return row->integer(0);
}

bool comes_before(const Question& question, const store::Row& a, const store::Row& b) {
  for (size_t i = 0; i < question.keys.size(); ++i) {
    const auto& key = question.keys[i];
    const auto compare = [&](auto one, auto other) { return one < other ? -1 : other < one ? 1 : 0; };
    const int order = key.kind == Kind::text   ? compare(a.text(i + 1), b.text(i + 1))
                      : key.kind == Kind::real ? compare(a.real(i + 1), b.real(i + 1))
                                               : compare(a.integer(i + 1), b.integer(i + 1));
    if (order != 0) return (order < 0) == key.ascending;
  }
  return false;
}

Json last_of(const Question& question, const store::Row& row) {
  const auto& keys = question.keys;
  Json last = Json::array();
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].kind == Kind::text)
      last.push_back(row.text(i + 1));
    else if (keys[i].kind == Kind::real)
      last.push_back(row.real(i + 1));
    else
      last.push_back(row.integer(i + 1));
  }
  return last;
}

std::string placeholders(const std::vector<std::string>& wanted, store::Values& values) {
  size_t count = 1;
  while (count < wanted.size()) count *= 4;
  std::string out;
  for (size_t i = 0; i < count; ++i) {
    out += i == 0 ? "?" : ", ?";
    values.emplace_back(wanted.empty() ? std::string() : wanted[std::min(i, wanted.size() - 1)]);
  }
  return out;
}

std::string with_wanted(const std::vector<std::string>& ids, store::Values& values) {
  std::string out = "WITH wanted (wanted_id) AS (VALUES ";
  size_t count = 1;
  while (count < ids.size()) count *= 2;
  for (size_t i = 0; i < count; ++i) {
    out += i == 0 ? "(?)" : ", (?)";
    values.emplace_back(i < ids.size() ? ids[i] : std::string());
  }
  return out + ") ";
}

}  // namespace millrace::track
