#include "data/rules.h"

#include <set>

#include <fmt/format.h>

#include "core/ids.h"
#include "data/checks/check_kind.h"

namespace millrace::data {
namespace {

Limit none_allowed() { return {.low = 0, .high = 0, .written = "between"}; }

std::vector<std::string> names_in(const Json* value) {
  std::vector<std::string> out;
  if (value == nullptr) return out;
  if (value->is_string()) return {value->get<std::string>()};
  for (const auto& item : *value) out.push_back(item.is_string() ? item.get<std::string>() : to_text(item));
  return out;
}

// What rules are called in ids; kinds that are not here keep their own name.
std::string id_word(const std::string& kind) {
  if (kind == "foreign_key") return "fk";
  return kind;
}

OnFail first_said(std::initializer_list<OnFail> levels) {
  for (const auto level : levels)
    if (level != OnFail::inherit) return level;
  return OnFail::quarantine;
}

class Builder {
 public:
  Builder(const Contract& contract, const Object& object) : contract_(contract), object_(object) {}

  Result<std::vector<Rule>> build() {
    for (const auto& property : object_.properties) {
      add_schema_rules(property);
      for (const auto& quality : property.quality) add_quality(quality, &property);
    }
    add_key();
    for (const auto& quality : object_.quality) add_quality(quality, nullptr);
    for (const auto& property : object_.properties)
      for (const auto& relationship : property.relationships)
        add_relationship(relationship, first_said({property.on_fail, object_.on_fail, contract_.on_fail}));
    for (const auto& relationship : object_.relationships)
      add_relationship(relationship, first_said({object_.on_fail, contract_.on_fail}));
    MILLRACE_DO(name_rules());
    return std::move(rules_);
  }

 private:
  void add_row_rule(const Property& property, std::string kind, Json parameters = Json::object()) {
    rules_.push_back({.kind = std::move(kind),
                      .columns = {property.name},
                      .parameters = std::move(parameters),
                      .limit = none_allowed(),
                      .unit = "rows",
                      .on_fail = first_said({property.on_fail, object_.on_fail, contract_.on_fail}),
                      .where = property.where});
  }

  void add_schema_rules(const Property& property) {
    if (property.required || property.primary_key) add_row_rule(property, "required");
    if (property.type != LogicalType::any && property.type != LogicalType::object &&
        property.type != LogicalType::array)
      add_row_rule(property, "type");
    if (property.minimum || property.maximum) add_row_rule(property, "range");
    if (property.multiple_of) add_row_rule(property, "multiple");
    if (property.min_length || property.max_length) add_row_rule(property, "length");
    if (!property.pattern.empty()) add_row_rule(property, "pattern", {{"pattern", property.pattern}});
    const bool whole_key = property.primary_key && object_.primary_key().size() == 1;
    if (property.unique || whole_key) add_row_rule(property, "unique");
    if (property.type == LogicalType::string && !property.format.empty())  // dates and times are read by theirs
      rules_.push_back({.kind = "format",
                        .columns = {property.name},
                        .parameters = {{"format", property.format}},
                        .limit = none_allowed(),
                        .unit = "rows",
                        .on_fail = OnFail::warn,
                        .skipped = fmt::format("the format '{}' is not checked; a pattern would be", property.format),
                        .where = property.where});
  }

  void add_key() {
    const auto key = object_.primary_key();
    if (key.size() < 2) return;
    rules_.push_back({.kind = "unique",
                      .columns = key,
                      .limit = none_allowed(),
                      .unit = "rows",
                      .on_fail = first_said({object_.on_fail, contract_.on_fail}),
                      .where = object_.where});
  }

  // A written rule over the same columns says how much of the relationship has to hold.
  void add_relationship(const Relationship& relationship, OnFail on_fail) {
    for (const auto& rule : rules_)
      if (rule.kind == "foreign_key" && rule.columns == relationship.columns &&
          rule.parameters["reference"].value("dataset", "") == relationship.dataset)
        return;
    rules_.push_back(
        {.kind = "foreign_key",
         .columns = relationship.columns,
         .parameters = {{"declared", true},
                        {"reference",
                         {{"dataset", relationship.dataset}, {"columns", relationship.reference_columns}}}},
         .limit = none_allowed(),
         .unit = "rows",
         .on_fail = on_fail,
         .where = relationship.where});
  }

  void add_quality(const Quality& quality, const Property* property) {
    Rule rule{.id = quality.id,
              .severity = quality.severity,
              .dimension = quality.dimension,
              .description = quality.description,
              .where = quality.where};
    if (property != nullptr) rule.columns = {property->name};
    if (!quality.name.empty()) rule.parameters["name"] = quality.name;
    if (quality.limit) rule.limit = *quality.limit;
    rule.unit = quality.unit.empty() ? "rows" : quality.unit;
    if (quality.type == "library")
      fill_library(quality, rule);
    else if (quality.type == "custom" && quality.engine == "millrace")
      fill_custom(quality, rule);
    else if (quality.type == "sql")
      fill_sql(quality, rule);
    else {
      rule.kind = quality.type;
      rule.limit = none_allowed();
      rule.skipped = quality.type == "text" ? "a text for people; nothing to run"
                                            : fmt::format("engine '{}' is not Millrace's", quality.engine);
    }
    rule.on_fail = quality.on_fail;
    if (rule.on_fail == OnFail::inherit) rule.on_fail = action_of(rule, property);
    rules_.push_back(std::move(rule));
  }

  // A rule about what single rows hold follows the contract's onFail unless its severity says otherwise; a rule about a
  // rate or the whole batch only warns, because setting rows aside does not mend it.
  OnFail action_of(const Rule& rule, const Property* property) const {
    if (rule.severity == Severity::error) return OnFail::fail;
    if (rule.severity != Severity::none) return OnFail::warn;
    if (rule.kind != "set" && rule.kind != "pattern" && rule.kind != "expression") return OnFail::warn;
    return first_said({property != nullptr ? property->on_fail : OnFail::inherit, object_.on_fail, contract_.on_fail});
  }

  void fill_library(const Quality& quality, Rule& rule) {
    if (quality.metric == "rowCount") rule.kind = "row_count";
    if (quality.metric == "nullValues") rule.kind = "null_rate";
    if (quality.metric == "missingValues")
      rule.kind = "null_rate", rule.parameters["values"] = quality.arguments["missingValues"];
    if (quality.metric == "duplicateValues") {
      rule.kind = "unique";
      if (const Json* columns = find(quality.arguments, "properties")) rule.columns = names_in(columns);
    }
    if (quality.metric != "invalidValues") return;
    if (const Json* pattern = find(quality.arguments, "pattern"))
      rule.kind = "pattern", rule.parameters["pattern"] = names_in(pattern).at(0);
    else
      rule.kind = "set", rule.parameters["values"] = quality.arguments["validValues"];
  }

  void fill_sql(const Quality& quality, Rule& rule) {
    rule.kind = "sql";
    rule.parameters["query"] = quality.query, rule.parameters["object"] = object_.name;
    rule.unit = quality.unit.empty() ? "value" : quality.unit;
  }

  void fill_custom(const Quality& quality, Rule& rule) {
    const Json& said = quality.implementation;
    rule.kind = said.value("metric", "");
    for (const auto& [key, value] : said.items())
      if (key != "metric" && key != "column" && key != "columns" && key != "between") rule.parameters[key] = value;
    if (said.contains("column")) rule.columns = names_in(find(said, "column"));
    if (said.contains("columns")) rule.columns = names_in(find(said, "columns"));
    rule.limit = none_allowed();
    const auto* kind = find_check_kind(rule.kind);
    if (kind != nullptr) rule.limit.high = kind->highest;
    if (const Json* between = find(said, "between"))
      rule.limit.low = (*between)[0].get<double>(), rule.limit.high = (*between)[1].get<double>();
    if (rule.kind == "row_count")
      rule.unit = said.contains("per") ? "rows per " + said.value("per", "") : "rows";
    else if (rule.kind == "freshness")
      rule.unit = said.value("unit", "h");
    else if (kind != nullptr && !kind->unit.empty())
      rule.unit = kind->unit;
    else if (quality.unit.empty())
      rule.unit = rule.kind == "unique" ? "rows" : "share";
  }

  std::string base_id(const Rule& rule) const {
    static const std::set<std::string> kByColumn{"required", "type",   "range",       "length",  "set",
                                                 "pattern",  "unique", "foreign_key", "multiple"};
    const std::string name = string_or(rule.parameters, "name", "");
    if (!kByColumn.contains(rule.kind) && is_name(name)) return name;
    const std::string& subject = rule.columns.size() == 1 ? rule.columns[0] : object_.name;
    return fmt::format("{}.{}", subject, id_word(rule.kind));
  }

  Result<void> name_rules() {
    std::set<std::string> taken;
    for (const auto& rule : rules_) {
      if (rule.id.empty() || taken.insert(rule.id).second) continue;
      return Error{Code::invalid, fmt::format("two rules have the id '{}'", rule.id)}
          .at(rule.where)
          .hint("ids name findings; make them differ");
    }
    for (auto& rule : rules_) {
      if (!rule.id.empty()) continue;
      const std::string base = base_id(rule);
      rule.id = base;
      for (int number = 2; !taken.insert(rule.id).second; ++number) rule.id = fmt::format("{}-{}", base, number);
    }
    return {};
  }

  const Contract& contract_;
  const Object& object_;
  std::vector<Rule> rules_;
};

}  // namespace

// A kind that is about so many columns, or about numbers.
Result<void> check_columns(const Rule& rule, const CheckKind& kind, const Object& object) {
  if (kind.columns != 0 && rule.columns.size() != kind.columns)
    return Error{Code::invalid,
                 fmt::format("{} is about {} columns, not {}", kind.name, kind.columns, rule.columns.size())}
        .at(rule.where);
  if (!kind.of_numbers) return {};
  for (const auto& column : rule.columns) {
    const auto type = object.find(column)->type;
    if (type == LogicalType::integer || type == LogicalType::number) continue;
    return Error{Code::invalid, fmt::format("{} is about numbers; '{}' is {}", kind.name, column, name_of(type))}
        .at(rule.where)
        .hint("its logicalType must be integer or number");
  }
  return {};
}

Result<std::vector<Rule>> rules_of(const Contract& contract, const Object& object) {
  MILLRACE_TRY(auto rules, Builder(contract, object).build());
  for (const auto& rule : rules)
    if (const auto* kind = find_check_kind(rule.kind); kind != nullptr && rule.skipped.empty())
      MILLRACE_DO(check_columns(rule, *kind, object));
  return rules;
}

std::map<std::string, std::vector<std::string>> references_of(const std::vector<Rule>& rules) {
  std::map<std::string, std::vector<std::string>> out;
  for (const auto& rule : rules) {
    if (rule.kind != "foreign_key") continue;
    auto& columns = out[rule.parameters["reference"].value("dataset", "")];
    for (const auto& column : rule.parameters["reference"]["columns"])
      if (std::find(columns.begin(), columns.end(), column.get<std::string>()) == columns.end())
        columns.push_back(column.get<std::string>());
  }
  return out;
}

}  // namespace millrace::data
