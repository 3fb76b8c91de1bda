#include "data/import/draft.h"

#include <cmath>

#include <fmt/format.h>
#include <re2/re2.h>

#include "core/ids.h"
#include "engine/engine.h"

namespace millrace::data {
namespace {

std::string lower(std::string text) {
  for (auto& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

// The types of pandas, SQL and Spark by how their names begin.
std::string logical_type(const std::string& word) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {"int", "integer"},     {"uint", "integer"},       {"bigint", "integer"},      {"smallint", "integer"},
      {"tinyint", "integer"}, {"longtype", "integer"},   {"float", "number"},        {"double", "number"},
      {"decimal", "number"},  {"numeric", "number"},     {"real", "number"},         {"number", "number"},
      {"str", "string"},      {"varchar", "string"},     {"text", "string"},         {"char", "string"},
      {"bool", "boolean"},    {"datetime", "timestamp"}, {"timestamp", "timestamp"}, {"date", "date"},
      {"time", "time"}};
  const auto name = lower(word);
  for (const auto& [start, type] : kTypes)
    if (name.starts_with(start)) return std::string(type);
  return "";
}

Json plain(double value) {
  const bool whole = std::floor(value) == value && std::fabs(value) < 9e15;
  return whole ? Json(static_cast<int64_t>(value)) : Json(value);
}

// 1 - 0.95 is not 0.05 in binary.
double rest_of(double share) { return std::round((1 - share) * 1e12) / 1e12; }

}  // namespace

Json ImportedContract::to_json() const {
  Json left = Json::array();
  for (const auto& one : left_out) left.push_back({{"name", one.name}, {"about", one.about}, {"why", one.why}});
  return {{"contract", document}, {"taken", taken}, {"left_out", left}};
}

void Draft::begin(const std::string& table, const std::string& column, const std::string& name) {
  table_ = table, column_ = column, name_ = name;
  severity_.clear();
  if (tables_.find(table) == tables_.end()) order_.push_back(table);
  tables_[table];
}

Json& Draft::column() {
  auto& table = tables_[table_];
  const auto [found, fresh] = table.columns.emplace(column_, Json{{"name", column_}});
  if (fresh) table.order.push_back(column_);
  return found->second;
}

bool Draft::has_column(const char* what) {
  if (!column_.empty()) return true;
  leave_out(fmt::format("it names no column for {}", what));
  return false;
}

void Draft::leave_out(const std::string& why) {
  out_.left_out.push_back({name_, column_.empty() ? table_ : table_ + "." + column_, why});
}

void Draft::describe(const std::string& text) {
  if (text.empty()) return;
  if (column_.empty())
    tables_[table_].description = text;
  else
    column()["description"] = text;
}

void Draft::severity(const std::string& word) { severity_ = word; }

void Draft::exists() {
  if (!has_column("existence")) return;
  column();
  ++out_.taken;
}

void Draft::type(const std::string& word) {
  if (!has_column("a type")) return;
  const auto type = logical_type(word);
  column();
  if (type.empty()) return leave_out(fmt::format("the type '{}' has no counterpart", word));
  auto& here = column();
  if (here.contains("logicalType") && here["logicalType"] != type)
    return leave_out(fmt::format("the column is {} already", here["logicalType"].get<std::string>()));
  here["logicalType"] = type;
  here["physicalType"] = word;
  ++out_.taken;
}

// Rules of one kind about one column get numbers, so that their ids stay apart.
std::string Draft::rule_name(const std::string& kind) {
  auto base = (column_.empty() ? table_ : column_) + "_" + kind;
  if (!is_name(base)) base = kind;
  const int number = ++names_[table_ + "/" + base];
  return number == 1 ? base : fmt::format("{}_{}", base, number);
}

void Draft::add_rule(Json rule) {
  if (!severity_.empty()) rule["severity"] = severity_;
  rule["customProperties"] = {{{"property", "importedFrom"}, {"value", fmt::format("{}: {}", tool_, name_)}}};
  const bool of_object = column_.empty() || rule.value("metric", "") == "rowCount" || rule["type"] == "custom";
  if (of_object) {
    tables_[table_].quality.push_back(std::move(rule));
  } else {
    auto& here = column();
    if (!here.contains("quality")) here["quality"] = Json::array();
    here["quality"].push_back(std::move(rule));
  }
  ++out_.taken;
}

void Draft::required(double share) {
  if (!has_column("nulls")) return;
  column();
  if (share < 1) {
    add_rule({{"name", rule_name("null_rate")},
              {"type", "custom"},
              {"engine", "millrace"},
              {"implementation", {{"metric", "null_rate"}, {"column", column_}, {"between", {0, rest_of(share)}}}}});
  } else if (severity_.empty() || severity_ == "error") {
    column()["required"] = true;
    ++out_.taken;
  } else {
    add_rule({{"name", rule_name("nulls")}, {"type", "library"}, {"metric", "nullValues"}, {"mustBe", 0}});
  }
}

void Draft::unique(std::vector<std::string> columns) {
  if (columns.empty() && !has_column("uniqueness")) return;
  if (columns.empty()) {
    column()["unique"] = true;
    ++out_.taken;
    return;
  }
  const auto about = column_;
  for (const auto& name : columns) column_ = name, column();
  column_ = about;
  if (columns.size() == 1) {
    column_ = columns[0];
    column()["unique"] = true;
    ++out_.taken;
    return;
  }
  column_.clear();
  add_rule({{"name", rule_name("unique")},
            {"type", "library"},
            {"metric", "duplicateValues"},
            {"arguments", {{"properties", columns}}},
            {"mustBe", 0}});
}

// In the schema where it is about all values and the first of its kind; else as an expression.
void Draft::range(std::optional<double> low, std::optional<double> high, bool low_open, bool high_open, double share) {
  if (!has_column("a range")) return;
  if (!low && !high) return leave_out("it has no limit");
  auto& here = column();
  const auto type = here.value("logicalType", "");
  const bool numeric = type.empty() || type == "integer" || type == "number";
  const bool free = !here.contains("logicalTypeOptions") || !(here["logicalTypeOptions"].contains("minimum") ||
                                                              here["logicalTypeOptions"].contains("maximum") ||
                                                              here["logicalTypeOptions"].contains("exclusiveMinimum") ||
                                                              here["logicalTypeOptions"].contains("exclusiveMaximum"));
  if (share < 1 || !free || !numeric || (!severity_.empty() && severity_ != "error")) {
    if (type.empty()) here["logicalType"] = "number";  // text is compared letter by letter
    std::vector<std::string> parts;
    if (low) parts.push_back(fmt::format("{} {} {}", quoted(), low_open ? ">" : ">=", *low));
    if (high) parts.push_back(fmt::format("{} {} {}", quoted(), high_open ? "<" : "<=", *high));
    return expression(fmt::format("{}", fmt::join(parts, " AND ")), {column_}, share);
  }
  if (type.empty()) here["logicalType"] = "number";
  if (low) here["logicalTypeOptions"][low_open ? "exclusiveMinimum" : "minimum"] = plain(*low);
  if (high) here["logicalTypeOptions"][high_open ? "exclusiveMaximum" : "maximum"] = plain(*high);
  ++out_.taken;
}

void Draft::length(std::optional<int64_t> low, std::optional<int64_t> high) {
  if (!has_column("a length")) return;
  if (!low && !high) return leave_out("it has no limit");
  auto& here = column();
  if (here.value("logicalType", "string") != "string") return leave_out("only texts have a length");
  here["logicalType"] = "string";
  if (low) here["logicalTypeOptions"]["minLength"] = *low;
  if (high) here["logicalTypeOptions"]["maxLength"] = *high;
  ++out_.taken;
}

namespace {

void set_share(Json& rule, double share) {
  if (share < 1) {
    rule["unit"] = "percent";
    rule["mustBeLessOrEqualTo"] = plain(std::round(100 * rest_of(share) * 1e9) / 1e9);
  } else {
    rule["mustBe"] = 0;
  }
}

}  // namespace

void Draft::one_of(const Json& values, double share) {
  if (!has_column("a set")) return;
  if (!values.is_array() || values.empty()) return leave_out("its set of values is empty");
  Json rule{{"name", rule_name("set")},
            {"type", "library"},
            {"metric", "invalidValues"},
            {"arguments", {{"validValues", values}}}};
  set_share(rule, share);
  column();
  add_rule(std::move(rule));
}

void Draft::pattern(const std::string& regex, double share) {
  if (!has_column("a pattern")) return;
  column();
  const re2::RE2 read(regex, re2::RE2::Quiet);
  if (!read.ok()) return leave_out(fmt::format("the pattern '{}' cannot be read by RE2: {}", regex, read.error()));
  Json rule{{"name", rule_name("pattern")},
            {"type", "library"},
            {"metric", "invalidValues"},
            {"arguments", {{"pattern", regex}}}};
  set_share(rule, share);
  add_rule(std::move(rule));
}

void Draft::rows(std::optional<double> low, std::optional<double> high) {
  column_.clear();
  if (!low && !high) return leave_out("it has no limit");
  Json rule{{"name", rule_name("rows")}, {"type", "library"}, {"metric", "rowCount"}};
  if (low && high) {
    rule.erase("metric");
    rule["type"] = "custom";
    rule["engine"] = "millrace";
    rule["implementation"] = {{"metric", "row_count"}, {"between", {plain(*low), plain(*high)}}};
  } else {
    rule[low ? "mustBeGreaterOrEqualTo" : "mustBeLessOrEqualTo"] = plain(low ? *low : *high);
  }
  add_rule(std::move(rule));
}

void Draft::expression(const std::string& condition, std::vector<std::string> columns, double share) {
  const auto about = column_;
  for (const auto& name : columns) column_ = name, column();
  column_ = about;
  Json implementation{{"metric", "expression"}, {"expression", condition}};
  if (!columns.empty()) implementation["columns"] = columns;
  if (share < 1) implementation["between"] = {0, rest_of(share)};
  add_rule(
      {{"name", rule_name("rule")}, {"type", "custom"}, {"engine", "millrace"}, {"implementation", implementation}});
}

void Draft::foreign_key(const std::string& dataset, const std::string& key) {
  if (!has_column("a reference")) return;
  if (!is_name(dataset)) return leave_out(fmt::format("'{}' is no dataset's name", dataset));
  column();
  add_rule({{"name", rule_name("in_" + dataset)},
            {"type", "custom"},
            {"engine", "millrace"},
            {"implementation",
             {{"metric", "foreign_key"},
              {"columns", {column_}},
              {"reference", {{"dataset", dataset}, {"columns", {key}}}},
              {"between", {0, 0}}}}});
}

std::string Draft::quoted() const { return engine::quote_name(column_); }

std::string Draft::constant(const Json& value) {
  return value.is_string() ? engine::quote_text(value.get<std::string>()) : to_text(value);
}

Result<ImportedContract> Draft::finish(const std::string& id, const std::string& path) {
  if (!is_name(id))
    return Error{Code::invalid, fmt::format("'{}' is not a contract's name", id)}
        .at({.file = path})
        .hint("give one: --name NAME");
  if (out_.taken == 0 && out_.left_out.empty())
    return Error{Code::invalid, fmt::format("there is nothing of {} in the file", tool_)}
        .at({.file = path})
        .hint("see what the tool writes: a suite, a schema or a manifest");
  Json schema = Json::array();
  for (const auto& name : order_) {
    auto& table = tables_[name];
    Json properties = Json::array();
    for (const auto& column : table.order) properties.push_back(std::move(table.columns[column]));
    Json object{{"name", name.empty() ? id : name}, {"logicalType", "object"}};
    if (!properties.empty()) object["properties"] = std::move(properties);
    if (!table.quality.empty()) object["quality"] = std::move(table.quality);
    if (!table.description.empty()) object["description"] = table.description;
    schema.push_back(std::move(object));
  }
  out_.document = {{"apiVersion", "v3.1.0"}, {"kind", "DataContract"}, {"id", id},        {"name", id},
                   {"version", "0.1.0"},     {"status", "draft"},      {"schema", schema}};
  return std::move(out_);
}

}  // namespace millrace::data
