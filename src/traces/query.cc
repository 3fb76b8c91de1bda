#include "traces/query.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "core/json.h"
#include "traces/entities.h"
#include "traces/otlp.h"
#include "track/search/query.h"

namespace millrace::traces {
namespace {

bool is_pattern(Op op) { return op == Op::like || op == Op::ilike || op == Op::rlike; }

std::string column_of(const std::string& attribute) {
  if (attribute == "end_time") return "(t.request_time + coalesce(t.duration, 0))";
  return "t." + attribute;
}

// A condition on a text column; of a pattern, one that takes at least as much.
void add_text(Sql& sql, const std::string& column, const Condition& it) {
  if (it.op == Op::in || it.op == Op::not_in) {
    sql.add(column + (it.op == Op::in ? " IN (" : " NOT IN ("));
    sql.add(track::placeholders(it.texts, sql.values) + ")");
  } else if (it.op == Op::like || it.op == Op::ilike) {
    sql.add(fmt::format("lower({}) LIKE ?", column), {wider_pattern(it.texts[0])});
  } else if (it.op == Op::rlike) {
    sql.add(column + " IS NOT NULL");
  } else {
    sql.add(fmt::format("{} {} ?", column, track::symbol_of(it.op)), {it.texts[0]});
  }
}

std::string side_row(std::string_view table) {
  return fmt::format("SELECT 1 FROM {} f WHERE f.workspace = t.workspace AND f.trace_id = t.id", table);
}

void add_pair(Sql& sql, const Condition& it) {
  const bool linked = it.of == Of::metadata && it.key == metadata::source_run && it.op == Op::equal;
  if (linked) sql.add(fmt::format("(EXISTS ({} AND f.run_id = ?) OR ", side_row("llm_trace_runs")), {it.texts[0]});
  sql.add(it.op == Op::is_null ? "NOT EXISTS (" : "EXISTS (");
  sql.add(side_row(it.of == Of::tag ? "llm_trace_tags" : "llm_trace_metadata") + " AND f.key = ?", {it.key});
  if (it.op != Op::is_null && it.op != Op::is_not_null) {
    sql.add(" AND ");
    add_text(sql, "f.value", it);
  }
  sql.add(linked ? "))" : ")");
}

// Values are kept as JSON: a text stands in quotes, and 5 and 5.0 are one number.
void add_same_value(Sql& sql, const Condition& it) {
  const auto& text = it.texts[0];
  sql.add(it.op == Op::unequal ? "NOT (" : "(");
  sql.add("f.value = ? OR f.value = ?", {text, to_text(Json(text))});
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem == std::errc() && end == text.data() + text.size() && !text.empty())
    sql.add(" OR (f.number IS NOT NULL AND f.number = ?)", {number});
  sql.add(")");
}

void add_assessment(Sql& sql, const Condition& it) {
  sql.add(it.op == Op::is_null ? "NOT EXISTS (" : "EXISTS (");
  sql.add(side_row("llm_assessments") + " AND f.valid = 1 AND f.kind = ? AND f.name = ?",
          {std::string(it.of == Of::feedback ? "feedback" : "expectation"), it.key});
  if (it.numeric)
    sql.add(fmt::format(" AND f.number IS NOT NULL AND f.number {} ?", track::symbol_of(it.op)), {it.number});
  else if (it.op == Op::equal || it.op == Op::unequal)
    sql.add(" AND "), add_same_value(sql, it);
  sql.add(")");
}

Result<void> add_prompt(Sql& sql, const Condition& it) {
  const auto& text = it.texts[0];
  const auto slash = text.find('/');
  if (slash == std::string::npos || text.find('/', slash + 1) != std::string::npos)
    return Error{Code::invalid, fmt::format("Invalid prompts filter value '{}'. Expected format: prompt = "
                                            "\"name/version\"",
                                            text.substr(0, 250))};
  sql.add(fmt::format("EXISTS ({} AND f.prompt = ? AND f.version = ?)", side_row("llm_trace_prompts")),
          {text.substr(0, slash), text.substr(slash + 1)});
  return {};
}

void add_span(Sql& sql, const Condition& it) {
  sql.add(" AND ");
  if (it.of == Of::span && it.key != "content") return add_text(sql, "f." + it.key, it);
  if (it.of == Of::span_attribute)
    return sql.add("lower(f.content) LIKE ?", {wider_pattern("%" + to_text(Json(it.key)) + "%")});
  if (it.op == Op::rlike) return sql.add("f.content <> ''");
  sql.add("lower(f.content) LIKE ?", {wider_pattern("%" + it.texts[0] + "%")});
}

// All words of a span, in the order in which its JSON has them.
void gather(const Json& json, std::string& out) {
  if (json.is_object() || json.is_array()) {
    for (const auto& each : json) gather(each, out);
    return;
  }
  if (!out.empty()) out += '\n';
  out += json.is_string() ? json.get_ref<const std::string&>() : to_text(json);
}

std::optional<std::string> text_of(const Json& value) {
  if (value.is_null()) return std::nullopt;
  return value.is_string() ? value.get<std::string>() : to_text(value);
}

}  // namespace

Result<Conditions> Conditions::of(const std::vector<Condition>& conditions) {
  Conditions out;
  for (const auto& it : conditions) {
    const bool pattern = is_pattern(it.op);
    if (it.of == Of::span || it.of == Of::span_attribute) {
      add_span(out.span_sql_, it);
      out.check_spans_ |= pattern || it.of == Of::span_attribute;
      MILLRACE_TRY(auto matcher, Matcher::of(it));
      out.spans_.push_back({it, std::move(matcher)});
      continue;
    }
    if (pattern) {
      MILLRACE_TRY(auto matcher, Matcher::of(it));
      out.checks_.push_back({it, std::move(matcher)});
    }
    out.sql_.add(" AND ");
    switch (it.of) {
      case Of::attribute:
        if (it.numeric)
          out.sql_.add(fmt::format("{} {} ?", column_of(it.key), track::symbol_of(it.op)), {it.number});
        else
          add_text(out.sql_, column_of(it.key), it);
        break;
      case Of::tag:
      case Of::metadata: add_pair(out.sql_, it); break;
      case Of::feedback:
      case Of::expectation: add_assessment(out.sql_, it); break;
      case Of::issue:
        out.sql_.add(fmt::format("EXISTS ({} AND f.kind = 'issue' AND f.name = ?)", side_row("llm_assessments")),
                     {it.texts[0]});
        break;
      default: MILLRACE_DO(add_prompt(out.sql_, it));
    }
  }
  return out;
}

void Conditions::add_to(Sql& sql) const {
  sql.add(sql_.text, sql_.values);
  if (!spans_.empty())
    sql.add(fmt::format(" AND EXISTS ({}{})", side_row("llm_spans"), span_sql_.text), span_sql_.values);
}

Result<bool> Conditions::holds(store::Session& session, const std::string& workspace, const std::string& id) const {
  for (const auto& check : checks_) {
    MILLRACE_TRY(const bool good, holds(session, workspace, id, check));
    if (!good) return false;
  }
  return check_spans_ ? spans_hold(session, workspace, id) : Result<bool>(true);
}

Result<bool> Conditions::holds(store::Session& session, const std::string& workspace, const std::string& id,
                               const Check& check) {
  const auto& it = check.condition;
  Sql sql;
  if (it.of == Of::attribute)
    sql.add(fmt::format("SELECT t.{} FROM llm_traces t WHERE t.workspace = ? AND t.id = ?", it.key), {workspace, id});
  else if (it.of == Of::tag || it.of == Of::metadata)
    sql.add(fmt::format("SELECT value FROM {} WHERE workspace = ? AND trace_id = ? AND key = ?",
                        it.of == Of::tag ? "llm_trace_tags" : "llm_trace_metadata"),
            {workspace, id, it.key});
  else
    sql.add(
        "SELECT value FROM llm_assessments WHERE workspace = ? AND trace_id = ? AND valid = 1 AND kind = ? AND name = "
        "?",
        {workspace, id, std::string(it.of == Of::feedback ? "feedback" : "expectation"), it.key});
  MILLRACE_TRY(const auto rows, session.query(sql.text, sql.values));
  const bool json = it.of == Of::feedback || it.of == Of::expectation;
  return std::any_of(rows.begin(), rows.end(), [&](const store::Row& row) {
    if (row.is_null(0)) return false;
    if (!json) return check.matches(row.text(0));
    const auto value = parse_json(row.text(0), "assessment");
    const auto text = value ? text_of(*value) : std::nullopt;
    return text && check.matches(*text);
  });
}

Result<bool> Conditions::spans_hold(store::Session& session, const std::string& workspace,
                                    const std::string& id) const {
  Sql sql;
  sql.add("SELECT f.name, f.type, f.status, f.content FROM llm_spans f WHERE f.workspace = ? AND f.trace_id = ?",
          {workspace, id});
  sql.add(span_sql_.text, span_sql_.values);
  MILLRACE_TRY(const auto rows, session.query(sql.text, sql.values));
  for (const auto& row : rows) {
    MILLRACE_TRY(const auto content, parse_json(row.text(3), "span"));
    const bool all = std::all_of(spans_.begin(), spans_.end(), [&](const Check& check) {
      const auto& it = check.condition;
      if (it.of == Of::span_attribute) {
        const auto text = text_of(attribute_of(content, it.key));
        return text && check.matches(*text);
      }
      if (it.key == "name") return check.matches(row.text(0));
      if (it.key == "type") return check.matches(row.text(1));
      if (it.key == "status") return check.matches(row.text(2));
      std::string words;
      gather(content, words);
      return check.matches(words);
    });
    if (all) return true;
  }
  return false;
}

// Every key is never null: what is missing sorts by a rank before it, last in both directions.
Result<std::vector<SortKey>> sort_keys(const std::vector<std::string>& order_by) {
  if (order_by.size() > bounds::order_by)
    return Error{Code::invalid, fmt::format("order_by has at most {} clauses", bounds::order_by)};
  std::vector<Order> orders;
  const auto is_there = [&](const Order& order) {
    return std::any_of(orders.begin(), orders.end(),
                       [&](const auto& each) { return each.of == order.of && each.key == order.key; });
  };
  for (const auto& text : order_by) {
    MILLRACE_TRY(auto order, parse_order(text));
    if (is_there(order)) return Error{Code::invalid, fmt::format("`order_by` contains duplicate fields: '{}'", text)};
    orders.push_back(std::move(order));
  }
  for (const auto& order : {Order{Of::attribute, "request_time", false}, Order{Of::attribute, "id", true}})
    if (!is_there(order)) orders.push_back(order);
  std::vector<SortKey> keys;
  for (const auto& order : orders) {
    if (order.of != Of::attribute) {
      const auto pick = [&](std::string_view what) {
        return fmt::format(
            "(SELECT {} FROM {} f WHERE f.workspace = t.workspace AND f.trace_id = t.id AND f.key = ? LIMIT 1)", what,
            order.of == Of::tag ? "llm_trace_tags" : "llm_trace_metadata");
      };
      keys.push_back({fmt::format("coalesce({}, 1)", pick("0")), {order.key}, true});
      keys.push_back({fmt::format("coalesce({}, '')", pick("f.value")), {order.key}, order.ascending, true});
      continue;
    }
    const bool is_text =
        order.key == "id" || order.key == "state" || order.key == "experiment_id" || order.key == "client_request_id";
    const auto column = column_of(order.key);
    if (order.key == "duration" || order.key == "client_request_id")
      keys.push_back({fmt::format("CASE WHEN {} IS NULL THEN 1 ELSE 0 END", column), {}, true});
    keys.push_back({fmt::format("coalesce({}, {})", column, is_text ? "''" : "0"), {}, order.ascending, is_text});
  }
  return keys;
}

}  // namespace millrace::traces
