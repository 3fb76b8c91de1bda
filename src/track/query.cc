#include "track/query.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/json.h"
#include "track/names.h"

namespace millrace::track {
namespace {

constexpr size_t kPatternBytes = 1'000;

struct Sql {
  std::string text;
  store::Values values;
  void add(std::string_view more, store::Values bound = {}) {
    text += more;
    for (auto& value : bound) values.push_back(std::move(value));
  }
};

enum class Kind { integer, real, text };

struct SortKey {
  std::string sql;
  store::Values values;
  bool ascending = true;
  Kind kind = Kind::integer;
};

std::string_view symbol_of(Operator op) {
  switch (op) {
    case Operator::unequal: return "<>";
    case Operator::less: return "<";
    case Operator::less_or_equal: return "<=";
    case Operator::greater: return ">";
    case Operator::greater_or_equal: return ">=";
    default: return "=";
  }
}

// MLflow's patterns have no character that takes a wildcard's meaning away; SQL's have the backslash. The engines agree
// on the small letters of ASCII only, so a pattern that knows no case is brought to them here.
std::string pattern_of(std::string_view pattern, bool any_case) {
  std::string out;
  for (const char c : pattern) {
    if (c == '\\') out += c;
    out += any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

Result<void> add_text_condition(Sql& sql, const std::string& column, const Comparison& one) {
  if (one.op == Operator::in || one.op == Operator::not_in) {
    sql.add(column + (one.op == Operator::in ? " IN (" : " NOT IN ("));
    sql.add(placeholders(one.texts, sql.values) + ")");
    return {};
  }
  const auto& text = one.texts.at(0);
  if (one.op != Operator::like && one.op != Operator::ilike) {
    sql.add(fmt::format("{} {} ?", column, symbol_of(one.op)), {text});
    return {};
  }
  if (text.size() > kPatternBytes)
    return Error{Code::invalid, fmt::format("a pattern has at most {} bytes", kPatternBytes)};
  const bool any_case = one.op == Operator::ilike;
  sql.add(any_case ? "lower(" + column + ")" : column);
  sql.add(" LIKE ? ESCAPE '\\'", {pattern_of(text, any_case)});
  return {};
}

std::string side_row(std::string_view table, std::string_view owner) {
  return fmt::format("SELECT 1 FROM {} f WHERE f.workspace = t.workspace AND f.{} = t.id", table, owner);
}

// Of a model's points only the newest of each key counts; a run's table holds nothing else.
std::string newest_only(const Subject& subject, const std::string& later_too = "") {
  if (subject.metrics != "track_model_metrics") return "";
  return " AND NOT EXISTS (SELECT 1 FROM track_model_metrics later WHERE later.workspace = f.workspace AND "
         "later.model_id = f.model_id AND later.key = f.key AND later.timestamp > f.timestamp" +
         later_too + ")";
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

void add_metric(Sql& sql, const Subject& subject, const Comparison& one, const std::vector<OnDataset>& datasets) {
  const auto here = on_datasets("f", datasets), later = on_datasets("later", datasets);
  sql.add(fmt::format("EXISTS ({} AND f.key = ?", side_row(subject.metrics, subject.owner)), {one.key});
  sql.add(here.text, here.values);
  sql.add(newest_only(subject, later.text), later.values);
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
void add_sort_keys(std::vector<SortKey>& keys, const Subject& subject, const Order& order) {
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
  const auto table = metric ? subject.metrics : order.entity == Entity::param ? subject.params : subject.tags;
  const auto pick = [&](std::string_view what) {
    return fmt::format("(SELECT {} FROM {} f WHERE f.workspace = t.workspace AND f.{} = t.id AND f.key = ?{} LIMIT 1)",
                       what, table, subject.owner, metric ? newest_only(subject) : "");
  };
  keys.push_back({fmt::format("coalesce({}, 2)", pick(metric ? "f.is_nan" : "0")), {order.key}, true});
  keys.push_back({fmt::format("coalesce({}, {})", pick("f.value"), metric ? "0.0" : "''"),
                  {order.key},
                  order.ascending,
                  metric ? Kind::real : Kind::text});
}

Result<std::vector<SortKey>> sort_keys(const Subject& subject, const std::vector<std::string>& order_by) {
  if (order_by.size() > bounds::order_by)
    return Error{Code::invalid, fmt::format("order_by has at most {} clauses", bounds::order_by)};
  std::vector<Order> orders;
  const auto is_there = [&](const Order& order) {
    return std::any_of(orders.begin(), orders.end(),
                       [&](const auto& each) { return each.entity == order.entity && each.key == order.key; });
  };
  for (const auto& text : order_by) {
    MILLRACE_TRY(auto order, parse_order(text, subject.grammar));
    if (is_there(order)) return Error{Code::invalid, fmt::format("`order_by` contains duplicate fields: '{}'", text)};
    orders.push_back(std::move(order));
  }
  for (const auto text : order_by.empty() ? subject.defaults : subject.ties) {
    MILLRACE_TRY(auto order, parse_order(text, subject.grammar));
    if (!is_there(order)) orders.push_back(std::move(order));
  }
  std::vector<SortKey> keys;
  for (const auto& order : orders) add_sort_keys(keys, subject, order);
  return keys;
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

Result<Sql> select_of(const Subject& subject, const std::string& workspace, const Search& search,
                      const std::vector<SortKey>& keys) {
  Sql sql;
  sql.add("SELECT * FROM (SELECT t.id AS id");
  for (size_t i = 0; i < keys.size(); ++i) sql.add(fmt::format(", {} AS k{}", keys[i].sql, i), keys[i].values);
  sql.add(fmt::format(" FROM {} t WHERE t.workspace = ?", subject.table), {workspace});
  if (subject.in_experiments) {
    sql.add(" AND t.experiment_id IN (");
    sql.add(placeholders(search.experiment_ids, sql.values) + ")");
  }
  if (search.view != View::all)
    sql.add(search.view == View::active ? " AND t.lifecycle_stage = 'active'" : " AND t.lifecycle_stage = 'deleted'");
  MILLRACE_TRY(const auto comparisons, parse_filter(search.filter, subject.grammar));
  for (const auto& one : comparisons) MILLRACE_DO(add_comparison(sql, subject, one, search.datasets));
  const bool by_metric =
      std::any_of(comparisons.begin(), comparisons.end(), [](const auto& one) { return one.entity == Entity::metric; });
  if (!search.datasets.empty() && !by_metric) {  // then anything measured on them will do
    const auto here = on_datasets("f", search.datasets);
    sql.add(" AND EXISTS (" + side_row(subject.metrics, subject.owner) + here.text + ")", here.values);
  }
  sql.add(") s");
  return sql;
}

Json last_of(const store::Row& row, const std::vector<SortKey>& keys) {
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

Result<Found> find_ids(store::Session& session, const Subject& subject, const std::string& workspace,
                       const Search& search) {
  if (search.experiment_ids.size() > bounds::experiment_ids)
    return Error{Code::invalid, fmt::format("a search names at most {} experiments", bounds::experiment_ids)};
  if (search.datasets.size() > bounds::search_datasets)
    return Error{Code::invalid, fmt::format("a search names at most {} datasets", bounds::search_datasets)};
  MILLRACE_TRY(const auto keys, sort_keys(subject, search.order_by));
  MILLRACE_TRY(auto sql, select_of(subject, workspace, search, keys));
  auto question = fmt::format("{}\n{}\n{}\n{}", subject.table, search.filter, fmt::join(search.order_by, "\n"),
                              static_cast<int>(search.view));
  for (const auto& each : search.datasets) question += fmt::format("\n{}\n{}", each.name, each.digest);
  if (!search.page_token.empty()) {
    MILLRACE_TRY(const auto last, read_token(search.page_token, question, keys.size()));
    add_after(sql, keys, last);
  }
  sql.add(" ORDER BY ");
  for (size_t i = 0; i < keys.size(); ++i)
    sql.add(fmt::format("{}k{}{}", i == 0 ? "" : ", ", i, keys[i].ascending ? "" : " DESC"));
  sql.add(" LIMIT ?", {search.max_results + 1});
  MILLRACE_TRY(const auto rows, session.query(sql.text, sql.values));
  Found found;
  const auto count = std::min(rows.size(), static_cast<size_t>(search.max_results));
  for (size_t i = 0; i < count; ++i) found.ids.push_back(rows[i].text(0));
  if (rows.size() > count && count > 0) found.next = make_token(last_of(rows[count - 1], keys), question);
  return found;
}

}  // namespace millrace::track
