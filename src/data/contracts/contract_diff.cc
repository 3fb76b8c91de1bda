#include "data/contracts/contract_diff.h"

#include <limits>
#include <map>
#include <set>

#include <fmt/format.h>

#include "data/rules.h"

namespace millrace::data {
namespace {

// The values that a limit or a range allows; open ends are infinite.
struct Span {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  bool low_open = false, high_open = false;
};

// Does `a` allow something below (above) what `b` allows?
bool lower(const Span& a, const Span& b) { return a.low < b.low || (a.low == b.low && !a.low_open && b.low_open); }
bool higher(const Span& a, const Span& b) {
  return a.high > b.high || (a.high == b.high && !a.high_open && b.high_open);
}

double end_of(const Bound& bound, LogicalType type) {
  const bool time = type == LogicalType::date || type == LogicalType::timestamp;
  return time ? static_cast<double>(bound.integer) : bound.number;
}

Span range_of(const Property& property) {
  Span out;
  if (property.minimum) out.low = end_of(*property.minimum, property.type), out.low_open = property.minimum->open;
  if (property.maximum) out.high = end_of(*property.maximum, property.type), out.high_open = property.maximum->open;
  return out;
}

std::string range_text(const Property& property) {
  return fmt::format("{}{}, {}{}", property.minimum && property.minimum->open ? "(" : "[",
                     property.minimum ? property.minimum->text : "-", property.maximum ? property.maximum->text : "-",
                     property.maximum && property.maximum->open ? ")" : "]");
}

Span limit_of(const Limit& limit) {
  Span out;
  if (limit.low) out.low = *limit.low, out.low_open = limit.low_open;
  if (limit.high) out.high = *limit.high, out.high_open = limit.high_open;
  return out;
}

Json custom_property(const Json& element, const std::string& name) {
  if (const Json* list = find(element, "customProperties"); list != nullptr && list->is_array())
    for (const auto& one : *list)
      if (string_or(one, "property", "") == name) return one.value("value", Json());
  return {};
}

const Json* named(const Json* list, const std::string& name) {
  if (list != nullptr && list->is_array())
    for (const auto& one : *list)
      if (string_or(one, "name", "") == name) return &one;
  return nullptr;
}

// A rule's identity: what it is about, without its limit.
std::string key_of(const Rule& rule) {
  Json about = rule.parameters;
  for (const char* key : {"values", "pattern", "name", "declared"}) about.erase(key);
  if (rule.kind == "expression") about.erase("expression");
  // Several expressions over the same columns are told apart by their names.
  const bool own = rule.kind == "expression" || rule.kind == "text" || rule.kind == "sql" || rule.kind == "custom";
  return to_text({rule.kind, rule.columns, about, own ? rule.id : ""});
}

class Comparison {
 public:
  Comparison(const Contract& before, const Contract& after) : before_(before), after_(after) {}

  Result<ContractDiff> run() {
    for (const auto& object : before_.objects) {
      const auto* other = find_object(after_, object.name);
      if (other == nullptr)
        add({.what = "object.removed",
             .object = object.name,
             .text = fmt::format("the object '{}' is gone", object.name),
             .breaks_readers = true});
      else
        MILLRACE_DO(compare(object, *other));
    }
    for (const auto& object : after_.objects)
      if (find_object(before_, object.name) == nullptr)
        add({.what = "object.added",
             .object = object.name,
             .text = fmt::format("the object '{}' is new", object.name)});
    return std::move(diff_);
  }

 private:
  static const Object* find_object(const Contract& contract, const std::string& name) {
    for (const auto& object : contract.objects)
      if (object.name == name) return &object;
    return nullptr;
  }

  void add(ContractChange change) { diff_.changes.push_back(std::move(change)); }

  // One property of each side.
  struct Pair {
    const Object& object;
    const Property &before, &after;
  };

  void add(const Pair& pair, std::string what, std::string before, std::string after, bool readers, bool writers) {
    ContractChange change{.what = std::move(what),
                          .object = pair.object.name,
                          .column = pair.before.name,
                          .before = std::move(before),
                          .after = std::move(after),
                          .breaks_readers = readers,
                          .breaks_writers = writers};
    change.text = fmt::format("{}: {} was {}, is {}", pair.before.name, change.what,
                              change.before.empty() ? "not said" : change.before,
                              change.after.empty() ? "not said" : change.after);
    add(std::move(change));
  }

  Result<void> compare(const Object& before, const Object& after) {
    renamed_.clear();
    for (const auto& property : before.properties)
      if (after.find(property.name) == nullptr) find_new_name(before, after, property);
    for (const auto& property : before.properties) {
      const auto* other = after.find(property.name);
      if (const auto renamed = renamed_.find(property.name); renamed != renamed_.end())
        other = after.find(renamed->second);
      if (other == nullptr) {
        add({.what = "column.removed",
             .object = before.name,
             .column = property.name,
             .text = fmt::format("the column '{}' is gone; files that still have it are refused", property.name),
             .breaks_readers = true,
             .breaks_writers = true});
        continue;
      }
      compare({before, property, *other});
    }
    for (const auto& property : after.properties) {
      const bool known =
          before.find(property.name) != nullptr ||
          std::any_of(renamed_.begin(), renamed_.end(), [&](const auto& r) { return r.second == property.name; });
      if (known) continue;
      add({.what = "column.added",
           .object = before.name,
           .column = property.name,
           .text = fmt::format("the column '{}' is new{}; files without it are refused", property.name,
                               property.required ? " and required" : ""),
           .breaks_writers = true});
    }
    if (before.primary_key() != after.primary_key())
      add({.what = "primary_key",
           .object = before.name,
           .before = fmt::format("{}", fmt::join(before.primary_key(), ", ")),
           .after = fmt::format("{}", fmt::join(after.primary_key(), ", ")),
           .text = fmt::format("the primary key was ({}), is ({})", fmt::join(before.primary_key(), ", "),
                               fmt::join(after.primary_key(), ", ")),
           .breaks_readers = !before.primary_key().empty(),
           .breaks_writers = !after.primary_key().empty()});
    return compare_rules(before, after);
  }

  // The same column of the file under another name, or a new column that is described just as the old one was.
  void find_new_name(const Object& before, const Object& after, const Property& property) {
    for (const auto& candidate : after.properties) {
      if (before.find(candidate.name) != nullptr || candidate.type != property.type) continue;
      const bool same_source = candidate.source_name == property.source_name;
      const bool same_words = !property.description.empty() && candidate.description == property.description;
      if (!same_source && !same_words) continue;
      renamed_[property.name] = candidate.name;
      add({.what = "column.renamed",
           .object = before.name,
           .column = property.name,
           .before = property.name,
           .after = candidate.name,
           .text = fmt::format("the column '{}' is now called '{}'", property.name, candidate.name),
           .breaks_readers = true,
           .breaks_writers = !same_source});
      return;
    }
  }

  void compare(const Pair& pair) {
    compare_type(pair);
    const auto &before = pair.before, &after = pair.after;
    if (before.source_name != after.source_name && before.name == after.name)
      add(pair, "physicalName", before.source_name, after.source_name, false, true);
    const auto word = [](bool yes) { return std::string(yes ? "true" : "false"); };
    if (before.required != after.required)
      add(pair, "required", word(before.required), word(after.required), before.required, after.required);
    if (before.unique != after.unique)
      add(pair, "unique", word(before.unique), word(after.unique), before.unique, after.unique);
    if (before.type == after.type) compare_range(pair);
    compare_lengths(pair);
    if (before.pattern != after.pattern)
      add(pair, "pattern", before.pattern, after.pattern, !before.pattern.empty(), !after.pattern.empty());
    if (before.format != after.format) add(pair, "format", before.format, after.format, true, true);
    const auto multiple = [](const Property& p) { return p.multiple_of ? p.multiple_of->text : std::string(); };
    if (multiple(before) != multiple(after))
      add(pair, "multipleOf", multiple(before), multiple(after), before.multiple_of.has_value(),
          after.multiple_of.has_value());
    if (before.classification != after.classification)
      add(pair, "classification", before.classification, after.classification, !before.is_masked() && after.is_masked(),
          false);
    compare_unit(pair);
  }

  void compare_type(const Pair& pair) {
    const auto before = pair.before.type, after = pair.after.type;
    if (before != after) {
      const bool wider = (before == LogicalType::integer && after == LogicalType::number) ||
                         (before == LogicalType::date && after == LogicalType::timestamp) || after == LogicalType::any;
      const bool narrower = (before == LogicalType::number && after == LogicalType::integer) ||
                            (before == LogicalType::timestamp && after == LogicalType::date) ||
                            before == LogicalType::any;
      add(pair, "column.type", std::string(name_of(before)), std::string(name_of(after)), !narrower, !wider);
    } else if (pair.before.physical_type != pair.after.physical_type) {
      add(pair, "physicalType", pair.before.physical_type, pair.after.physical_type, false, false);
    }
  }

  void compare_range(const Pair& pair) {
    const auto before = range_of(pair.before), after = range_of(pair.after);
    const bool widened = lower(after, before) || higher(after, before);
    const bool tightened = lower(before, after) || higher(before, after);
    if (widened || tightened) add(pair, "range", range_text(pair.before), range_text(pair.after), widened, tightened);
  }

  void compare_lengths(const Pair& pair) {
    const auto span = [](const Property& p) {
      Span out;
      if (p.min_length) out.low = static_cast<double>(*p.min_length);
      if (p.max_length) out.high = static_cast<double>(*p.max_length);
      return out;
    };
    const auto text = [](const Property& p) {
      return fmt::format("[{}, {}]", p.min_length ? std::to_string(*p.min_length) : "-",
                         p.max_length ? std::to_string(*p.max_length) : "-");
    };
    const auto before = span(pair.before), after = span(pair.after);
    const bool widened = lower(after, before) || higher(after, before);
    const bool tightened = lower(before, after) || higher(before, after);
    if (widened || tightened) add(pair, "length", text(pair.before), text(pair.after), widened, tightened);
  }

  // A unit stands in the custom property `unit`: another one makes every number mean something else.
  void compare_unit(const Pair& pair) {
    const auto unit = [&](const Contract& contract, const Property& property) {
      const Json* object = named(find(contract.document, "schema"), pair.object.name);
      const Json* element = object == nullptr ? nullptr : named(find(*object, "properties"), property.name);
      return element == nullptr ? Json() : custom_property(*element, "unit");
    };
    const Json before = unit(before_, pair.before), after = unit(after_, pair.after);
    if (before == after) return;
    const auto text = [](const Json& value) {
      return value.is_null() ? "" : value.is_string() ? value.get<std::string>() : to_text(value);
    };
    add(pair, "unit", text(before), text(after), !before.is_null(), !before.is_null());
  }

  // Rules that are written out; those of the schema were compared with it.
  Result<void> compare_rules(const Object& before, const Object& after) {
    MILLRACE_TRY(const auto old_rules, rules_of(before_, before));
    MILLRACE_TRY(const auto new_rules, rules_of(after_, after));
    const auto written = [](const Rule& rule) {
      static const std::set<std::string> kOfSchema{"required", "type", "range", "multiple", "length", "format"};
      return !kOfSchema.contains(rule.kind);
    };
    std::map<std::string, std::vector<const Rule*>> found;
    for (const auto& rule : new_rules)
      if (written(rule) && !of_schema(after, rule)) found[key_of(rule)].push_back(&rule);
    for (const auto& rule : old_rules) {
      if (!written(rule) || of_schema(before, rule)) continue;
      Rule renamed = rule;
      for (auto& column : renamed.columns)
        if (const auto name = renamed_.find(column); name != renamed_.end()) column = name->second;
      auto& candidates = found[key_of(renamed)];
      if (candidates.empty()) {
        add_rule(before, rule, "rule.removed", "is gone", true, false);
        continue;
      }
      compare(before, rule, *candidates.front());
      candidates.erase(candidates.begin());
    }
    for (const auto& [key, rules] : found)
      for (const auto* rule : rules)
        add_rule(after, *rule, "rule.added", "is new", false, rule->on_fail != OnFail::warn);
    return {};
  }

  // Follows from `unique`, `primaryKey` or `pattern`, which were compared.
  static bool of_schema(const Object& object, const Rule& rule) {
    if (rule.kind == "unique")
      return rule.columns == object.primary_key() ||
             (rule.columns.size() == 1 && object.find(rule.columns[0]) != nullptr &&
              object.find(rule.columns[0])->unique);
    if (rule.kind == "pattern" && rule.columns.size() == 1) {
      const auto* property = object.find(rule.columns[0]);
      return property != nullptr && !property->pattern.empty() &&
             string_or(rule.parameters, "pattern", "") == property->pattern;
    }
    return false;
  }

  void add_rule(const Object& object, const Rule& rule, std::string what, std::string_view words, bool readers,
                bool writers) {
    add({.what = std::move(what),
         .object = object.name,
         .column = rule.columns.empty() ? "" : rule.columns[0],
         .rule = rule.id,
         .before = {},
         .after = {},
         .text = fmt::format("the rule {} {}", rule.id, words),
         .breaks_readers = readers && rule.skipped.empty(),
         .breaks_writers = writers && rule.skipped.empty()});
  }

  void compare(const Object& object, const Rule& before, const Rule& after) {
    const auto changed = [&](const char* what, const Json& a, const Json& b, bool readers, bool writers) {
      add({.what = what,
           .object = object.name,
           .column = before.columns.empty() ? "" : before.columns[0],
           .rule = before.id,
           .before = a.is_string() ? a.get<std::string>() : to_text(a),
           .after = b.is_string() ? b.get<std::string>() : to_text(b),
           .text = fmt::format("the rule {}: {} was {}, is {}", before.id, what, to_text(a), to_text(b)),
           .breaks_readers = readers,
           .breaks_writers = writers});
    };
    compare_limits(before, after, changed);
    if (before.kind == "set") compare_sets(before, after, changed);
    for (const char* key : {"pattern", "expression"}) {
      const Json a = before.parameters.value(key, Json()), b = after.parameters.value(key, Json());
      if (a != b) changed(key, a, b, true, true);
    }
    if (before.severity != after.severity || before.on_fail != after.on_fail) {
      const auto words = [](const Rule& rule) {
        return fmt::format("{}, onFail {}", name_of(rule.severity), name_of(rule.on_fail));
      };
      changed("consequence", words(before), words(after), before.rejects_batch() && !after.rejects_batch(),
              !before.rejects_batch() && after.rejects_batch());
    }
  }

  template <class Changed>
  static void compare_limits(const Rule& before, const Rule& after, const Changed& changed) {
    if (before.unit != after.unit) return changed("unit", before.unit, after.unit, true, true);
    if (before.limit.outside != after.limit.outside)
      return changed("limit", before.limit.to_json(), after.limit.to_json(), true, true);
    auto a = limit_of(before.limit), b = limit_of(after.limit);
    bool widened = lower(b, a) || higher(b, a), tightened = lower(a, b) || higher(a, b);
    if (before.limit.outside) std::swap(widened, tightened);
    if (widened || tightened) changed("limit", before.limit.to_json(), after.limit.to_json(), widened, tightened);
  }

  template <class Changed>
  static void compare_sets(const Rule& before, const Rule& after, const Changed& changed) {
    const auto values = [](const Rule& rule) {
      std::set<std::string> out;
      if (const Json* list = find(rule.parameters, "values"))
        for (const auto& one : *list) out.insert(one.is_string() ? one.get<std::string>() : to_text(one));
      return out;
    };
    const auto a = values(before), b = values(after);
    std::vector<std::string> gone, fresh;
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(gone));
    std::set_difference(b.begin(), b.end(), a.begin(), a.end(), std::back_inserter(fresh));
    if (!gone.empty() || !fresh.empty()) changed("set", Json(a), Json(b), !fresh.empty(), !gone.empty());
  }

  const Contract &before_, &after_;
  std::map<std::string, std::string> renamed_;  // of the object at hand
  ContractDiff diff_;
};

}  // namespace

bool ContractDiff::breaks() const {
  return std::any_of(changes.begin(), changes.end(), [](const ContractChange& change) { return change.breaks(); });
}

Json ContractDiff::to_json() const {
  Json list = Json::array();
  bool readers = false, writers = false;
  for (const auto& change : changes) {
    readers = readers || change.breaks_readers;
    writers = writers || change.breaks_writers;
    list.push_back({{"what", change.what},
                    {"object", change.object},
                    {"column", change.column.empty() ? Json() : Json(change.column)},
                    {"rule", change.rule.empty() ? Json() : Json(change.rule)},
                    {"before", change.before.empty() ? Json() : Json(change.before)},
                    {"after", change.after.empty() ? Json() : Json(change.after)},
                    {"text", change.text},
                    {"readers", change.breaks_readers ? "breaking" : "compatible"},
                    {"writers", change.breaks_writers ? "breaking" : "compatible"}});
  }
  return {{"verdict", changes.empty() ? "same"
                      : breaks()      ? "breaking"
                                      : "compatible"},
          {"readers", readers ? "breaking" : "compatible"},
          {"writers", writers ? "breaking" : "compatible"},
          {"changes", list}};
}

Result<ContractDiff> compare_contracts(const Contract& before, const Contract& after) {
  return Comparison(before, after).run();
}

}  // namespace millrace::data
