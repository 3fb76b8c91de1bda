#include "registry/models/search.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/json.h"
#include "track/names.h"
#include "track/search/condition_sql.h"
#include "track/search/query.h"

namespace millrace::registry {
namespace {

using track::Comparison;
using track::Entity;
using track::Operator;
using track::Sql;

constexpr std::string_view kPromptTag = "mlflow.prompt.is_prompt";
constexpr std::string_view kMillis = "updated_at / 1000", kMadeMillis = "created_at / 1000";

constexpr track::Attribute kModelAttributes[] = {{"name", "name", false, true},
                                                 {"creation_timestamp", kMadeMillis, true, false, true},
                                                 {"last_updated_timestamp", kMillis, true, false, true},
                                                 {"timestamp", kMillis, true, false, true}};
constexpr track::Attribute kVersionAttributes[] = {{"name", "model", false, true},
                                                   {"version_number", "version", true, false, true},
                                                   {"run_id", "run_id", false, true},
                                                   {"source_path", "source"},
                                                   {"creation_timestamp", kMadeMillis, true, false, true},
                                                   {"last_updated_timestamp", kMillis, true, false, true}};
constexpr Entity kEntities[] = {Entity::tag};
const track::Grammar kModelGrammar{kModelAttributes, kEntities}, kVersionGrammar{kVersionAttributes, kEntities};

// What is searched: its table `t`, the column that names the model there, and its tags.
struct Subject {
  std::string_view table, name, tags;
  bool versions = false;
  const track::Grammar& grammar;
  size_t most = 0;
  std::vector<std::string_view> standard, ties;  // the order when none is asked for; what ends every order
};
const Subject kModels{"registered_models", "name", "model_tags", false, kModelGrammar, kMostModels, {"name"}, {"name"}};
const Subject kVersions{"model_versions",
                        "model",
                        "model_version_tags",
                        true,
                        kVersionGrammar,
                        kMostVersions,
                        {"last_updated_timestamp DESC", "name", "version_number DESC"},
                        {"name", "version_number DESC"}};

// What the indices hold of texts that may be long.
constexpr int kTagHead = 100, kSourceHead = 300;
// "The column is ?", in words that the index of its head can follow (of `column = ?` SQLite would put the value in
// place of the column, also in the head); takes the value twice.
std::string begins_as(std::string_view column, int head) {
  return fmt::format("substr({0}, 1, {1}) = substr(?, 1, {1}) AND NOT ({0} <> ?)", column, head);
}

bool is_text(const std::string& column) { return column == "name" || column == "model"; }

Result<std::vector<track::Order>> parse_orders(const Subject& subject, const std::vector<std::string>& asked) {
  if (asked.size() > track::bounds::order_by)
    return Error{Code::invalid, fmt::format("order_by has at most {} clauses", track::bounds::order_by)};
  std::vector<track::Order> out;
  const auto there = [&](const track::Order& order) {
    return std::any_of(out.begin(), out.end(), [&](const auto& each) { return each.key == order.key; });
  };
  for (const auto& text : asked) {
    MILLRACE_TRY(auto order, track::parse_order(text, subject.grammar));
    if (order.entity != Entity::attribute || order.key == "run_id" || order.key == "source")
      return Error{Code::invalid, fmt::format("Invalid order by key '{}' specified.", text)}.hint(
          subject.versions ? "order by name, version_number, creation_timestamp or last_updated_timestamp"
                           : "order by name, creation_timestamp or last_updated_timestamp");
    if (there(order)) return Error{Code::invalid, fmt::format("`order_by` contains duplicate fields: '{}'", text)};
    out.push_back(std::move(order));
  }
  for (const auto text : asked.empty() ? subject.standard : subject.ties) {
    MILLRACE_TRY(auto order, track::parse_order(text, subject.grammar));
    if (!there(order)) out.push_back(std::move(order));
  }
  return out;
}

// As MLflow decides it: by the first comparison with the tag.
bool asks_for_prompts(const std::vector<Comparison>& comparisons) {
  const auto found = std::find_if(comparisons.begin(), comparisons.end(), [](const Comparison& one) {
    return one.entity == Entity::tag && one.key == kPromptTag;
  });
  if (found == comparisons.end() || found->texts.empty()) return false;
  auto value = found->texts[0];
  std::transform(value.begin(), value.end(), value.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return (found->op == Operator::equal && value == "true") || (found->op == Operator::unequal && value == "false");
}

// A pattern that begins with plain letters holds for one range of the index only.
void add_prefix(Sql& sql, const std::string& column, const std::string& pattern) {
  size_t plain = 0;
  while (plain < pattern.size() && pattern[plain] != '%' && pattern[plain] != '_' && pattern[plain] > ' ' &&
         pattern[plain] < '~')
    ++plain;
  if (plain == 0) return;
  auto from = pattern.substr(0, plain), to = from;
  ++to.back();
  sql.add(fmt::format(" AND {0} >= ? AND {0} < ?", column), {from, to});
}

// A version that the pipeline made is found by the source that clients see of it.
Result<void> add_source(Sql& sql, const Comparison& one) {
  if (one.op == Operator::equal && !one.texts[0].starts_with("millrace:"))
    return sql.add(begins_as("t.source", kSourceHead), {one.texts[0], one.texts[0]}), Result<void>{};
  return track::add_text_condition(
      sql,
      "(CASE WHEN t.source = '' THEN 'millrace:model:' || t.model || '@' || CAST(t.version AS TEXT) ELSE t.source END)",
      one);
}

Result<void> add_attribute(Sql& sql, const Subject& subject, const Comparison& one) {
  sql.add(" AND ");
  const auto column = "t." + one.key;
  if (one.numeric)
    return sql.add(fmt::format("{} {} ?", column, track::symbol_of(one.op)), {static_cast<int64_t>(one.number)}),
           Result<void>{};
  if (one.key == "source") return add_source(sql, one);
  MILLRACE_DO(track::add_text_condition(sql, column, one));
  if (one.op == Operator::like && one.key == subject.name) add_prefix(sql, column, one.texts[0]);
  return {};
}

// Rows of `g` with the tag and, where the comparison says so, its value.
Result<void> add_tag_rows(Sql& sql, const Subject& subject, std::string_view columns, const std::string& workspace,
                          const Comparison& one) {
  sql.add(fmt::format("SELECT {} FROM {} g WHERE g.workspace = ? AND g.key = ?", columns, subject.tags),
          {workspace, one.key});
  if (one.op == Operator::is_not_null || one.op == Operator::is_null) return {};
  sql.add(" AND ");
  if (one.op == Operator::equal)
    return sql.add(begins_as("g.value", kTagHead), {one.texts[0], one.texts[0]}), Result<void>{};
  return track::add_text_condition(sql, "g.value", one);
}

std::string same_owner(const Subject& subject, std::string_view row) {
  return fmt::format(" AND {0}.model = t.{1}{2}", row, subject.name,
                     subject.versions ? fmt::format(" AND {}.version = t.version", row) : "");
}

Result<void> add_tag(Sql& sql, const Subject& subject, const std::string& workspace, const Comparison& one) {
  sql.add(one.op == Operator::is_null ? " AND NOT EXISTS (" : " AND EXISTS (");
  MILLRACE_DO(add_tag_rows(sql, subject, "1", workspace, one));
  sql.add(same_owner(subject, "g") + ")");
  return {};
}

void leave_out_prompts(Sql& sql, const Subject& subject, const std::string& workspace) {
  sql.add(fmt::format(" AND NOT EXISTS (SELECT 1 FROM {} p WHERE p.workspace = ? AND p.key = ? AND {} AND p.model = "
                      "t.{})",
                      subject.tags, begins_as("p.value", kTagHead), subject.name),
          {workspace, std::string(kPromptTag), "true", "true"});
}

bool can_lead(const Comparison& one) {
  if (one.entity == Entity::tag) return one.op != Operator::is_null;
  if (one.key == "run_id" || one.key == "model") return one.op == Operator::equal || one.op == Operator::in;
  return one.key == "source" && one.op == Operator::equal && !one.texts[0].starts_with("millrace:");
}

// Rows of `g` for which the comparison holds, found by an index of their own.
Result<void> add_lead(Sql& sql, const Subject& subject, std::string_view columns, const std::string& workspace,
                      const Comparison& one) {
  if (one.entity == Entity::tag) return add_tag_rows(sql, subject, columns, workspace, one);
  sql.add(fmt::format("SELECT {} FROM {} g WHERE g.workspace = ? AND g.deleted_at = 0 AND ", columns, subject.table),
          {workspace});
  if (one.key == "source")
    return sql.add(begins_as("g.source", kSourceHead), {one.texts[0], one.texts[0]}), Result<void>{};
  return track::add_text_condition(sql, "g." + one.key, one);
}

// The comparison that holds for the fewest entries, when these are few.
Result<const Comparison*> find_lead(store::Session& session, const Subject& subject, const std::string& workspace,
                                    const std::vector<Comparison>& comparisons, const Leads& leads) {
  const Comparison* best = nullptr;
  auto most = static_cast<int64_t>(leads.few) + 1;
  for (const auto& one : comparisons) {
    if (!can_lead(one)) continue;
    Sql sql;
    sql.add("SELECT count(*) FROM (");
    MILLRACE_DO(add_lead(sql, subject, "1 AS one", workspace, one));
    sql.add(" LIMIT ?) s", {most});
    MILLRACE_TRY(const auto row, session.first(sql.text, sql.values));
    if (!row || row->integer(0) >= most) continue;
    best = &one;
    most = row->integer(0);
  }
  return best;
}

store::Value to_value(const Json& json) {
  if (json.is_number_integer()) return json.get<int64_t>();
  return json.get<std::string>();
}

// (k0 > ?) OR (k0 = ? AND k1 < ?) OR ...: what comes after the last row of the page before; and the first of it alone,
// in words that an index can follow.
void add_after(Sql& sql, const std::vector<track::Order>& orders, const Json& last) {
  sql.add(fmt::format(" AND t.{} {} ?", orders[0].key, orders[0].ascending ? ">=" : "<="), {to_value(last[0])});
  sql.add(" AND (");
  for (size_t i = 0; i < orders.size(); ++i) {
    sql.add(i == 0 ? "(" : " OR (");
    for (size_t j = 0; j < i; ++j) sql.add(fmt::format("t.{} = ? AND ", orders[j].key), {to_value(last[j])});
    sql.add(fmt::format("t.{} {} ?)", orders[i].key, orders[i].ascending ? ">" : "<"), {to_value(last[i])});
  }
  sql.add(")");
}

std::string question_of(const Subject& subject, const RegistrySearch& search) {
  return fmt::format("{}\n{}\n{}", subject.table, search.filter, fmt::join(search.order_by, "\n"));
}

Result<std::optional<Json>> read_last(const std::vector<track::Order>& orders, const RegistrySearch& search,
                                      const std::string& question) {
  if (search.page_token.empty()) return std::optional<Json>();
  MILLRACE_TRY(auto last, track::read_token(search.page_token, question, orders.size()));
  for (size_t i = 0; i < orders.size(); ++i)  // a token that another server made could hold anything
    if (is_text(orders[i].key) ? !last[i].is_string() : !last[i].is_number_integer())
      return Error{Code::invalid, "Invalid page token"};
  return std::optional(std::move(last));
}

Json keys_of(const std::vector<track::Order>& orders, const store::Row& row) {
  Json out = Json::array();
  for (size_t i = 0; i < orders.size(); ++i)
    out.push_back(is_text(orders[i].key) ? Json(row.text(i + 2)) : Json(row.integer(i + 2)));
  return out;
}

struct Question {
  const Subject& subject;
  const std::string& workspace;
  std::vector<Comparison> comparisons;
  bool prompts = false;  // are looked for, too; else the filter says nothing of their tag
  std::vector<track::Order> orders;
  std::optional<Json> last;
};

Result<Sql> statement(const Question& asked, const Comparison* lead, size_t most) {
  const auto& [subject, workspace, comparisons, prompts, orders, last] = asked;
  Sql sql;
  sql.add(fmt::format("SELECT t.{}, {}", subject.name, subject.versions ? "t.version" : "0"));
  for (const auto& order : orders) sql.add(fmt::format(", t.{}", order.key));
  sql.add(" FROM ");
  if (lead != nullptr) {
    sql.add("(");
    MILLRACE_DO(add_lead(sql, subject, subject.versions ? "g.model, g.version" : "g.model", workspace, *lead));
    sql.add(") c CROSS JOIN ");  // SQLite joins these in the order of the words
  }
  sql.add(fmt::format("{} t WHERE t.workspace = ? AND t.deleted_at = 0", subject.table), {workspace});
  if (lead != nullptr) sql.add(same_owner(subject, "c"));
  for (const auto& one : comparisons) {
    if (one.entity == Entity::attribute) {
      MILLRACE_DO(add_attribute(sql, subject, one));
    } else if (&one != lead) {
      MILLRACE_DO(add_tag(sql, subject, workspace, one));
    }
  }
  if (!prompts) leave_out_prompts(sql, subject, workspace);
  if (last) add_after(sql, orders, *last);
  std::string_view before = " ORDER BY ";
  for (const auto& order : orders)
    sql.add(fmt::format("{}t.{}{}", std::exchange(before, ", "), order.key, order.ascending ? "" : " DESC"));
  sql.add(" LIMIT ?", {static_cast<int64_t>(most)});
  return sql;
}

}  // namespace

Result<FoundKeys> find_keys(store::Session& session, const std::string& workspace, Searched what,
                            const RegistrySearch& search, const Leads& leads) {
  const auto& subject = what == Searched::models ? kModels : kVersions;
  MILLRACE_DO(track::check_page(search.max_results, subject.most));
  Question asked{subject, workspace, {}, false, {}, {}};
  MILLRACE_TRY(asked.comparisons, track::parse_filter(search.filter, subject.grammar));
  MILLRACE_TRY(asked.orders, parse_orders(subject, search.order_by));
  const auto question = question_of(subject, search);
  MILLRACE_TRY(asked.last, read_last(asked.orders, search, question));
  asked.prompts = asks_for_prompts(asked.comparisons);
  if (!asked.prompts)
    std::erase_if(asked.comparisons,
                  [](const auto& one) { return one.entity == Entity::tag && one.key == kPromptTag; });
  MILLRACE_TRY(const auto* lead, find_lead(session, subject, workspace, asked.comparisons, leads));
  const auto most = static_cast<size_t>(search.max_results);
  MILLRACE_TRY(const auto sql, statement(asked, lead, most + 1));
  MILLRACE_TRY(const auto rows, session.query(sql.text, sql.values));
  FoundKeys found;
  const auto count = std::min(rows.size(), most);
  for (size_t i = 0; i < count; ++i) found.keys.emplace_back(rows[i].text(0), rows[i].integer(1));
  if (rows.size() > count && count > 0)
    found.next = track::make_token(keys_of(asked.orders, rows[count - 1]), question);
  return found;
}

}  // namespace millrace::registry
