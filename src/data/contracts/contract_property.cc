#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "data/contracts/contract_reader.h"

namespace millrace::data {
namespace {

const std::vector<std::string> kTypes{"string",    "integer", "number", "boolean", "date",
                                      "timestamp", "time",    "object", "array"};
const std::vector<std::string> kActions{"quarantine", "drop", "warn", "fail", "refuse"};

Bound to_bound(const Yaml& node, bool open) {
  Bound bound{.text = node.text(), .open = open};
  const auto* end = bound.text.data() + bound.text.size();
  bound.integral = std::from_chars(bound.text.data(), end, bound.integer).ptr == end && !bound.text.empty();
  return bound;
}

Result<Bound> read_bound(const Yaml& node, LogicalType type, bool open) {
  Bound bound = to_bound(node, open);
  if (type == LogicalType::integer || type == LogicalType::number) {
    MILLRACE_TRY(bound.number, node.number());
    if (!std::isfinite(bound.number)) return node.error(fmt::format("'{}' is not a finite number", node.text()));
    return bound;
  }
  if (type == LogicalType::time) return bound;
  const auto time = parse_time(node.text());
  if (!time)
    return node.error(fmt::format("'{}' is not a date or a date with time", node.text()))
        .hint("write e.g. 2013-01-31 or '2013-01-31T05:00:00Z'");
  bound.integer = *time;
  bound.text = to_iso(*time).substr(0, type == LogicalType::date ? 10 : 26);
  return bound;
}

Result<void> read_range(const Yaml& options, Property& property) {
  for (const auto* name : {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"}) {
    const Yaml* node = options.find(name);
    if (node == nullptr) continue;
    const bool low = std::string_view(name).ends_with("inimum");
    auto& end = low ? property.minimum : property.maximum;
    if (end) return node->error(fmt::format("'{}' beside its inclusive form", name)).hint("keep one of the two");
    MILLRACE_TRY(end, read_bound(*node, property.type, std::string_view(name).starts_with("exclusive")));
  }
  const bool numeric = property.type == LogicalType::integer || property.type == LogicalType::number;
  if (numeric && property.minimum && property.maximum && property.minimum->number > property.maximum->number)
    return options
        .error(
            fmt::format("the range is empty: minimum {} > maximum {}", property.minimum->text, property.maximum->text))
        .hint("swap the two");
  return {};
}

Result<std::optional<int64_t>> read_length(const Yaml& options, std::string_view name) {
  const Yaml* node = options.find(name);
  if (node == nullptr) return std::optional<int64_t>();
  MILLRACE_TRY(const int64_t length, node->integer());
  if (length < 0) return node->error(fmt::format("'{}' must not be negative: {}", name, length));
  return std::optional<int64_t>(length);
}

Result<void> read_options(const Yaml& options, Property& property) {
  property.format = options.string_or("format", "");
  MILLRACE_DO(read_range(options, property));
  if (const Yaml* node = options.find("multipleOf")) {
    MILLRACE_TRY(property.multiple_of, read_bound(*node, property.type, false));
    if (property.multiple_of->number <= 0) return node->error("'multipleOf' must be above zero");
    if (!property.multiple_of->integral)
      return node->error("only a whole 'multipleOf' can be checked exactly")
          .hint("use a custom rule: metric: expression");
  }
  MILLRACE_TRY(property.min_length, read_length(options, "minLength"));
  MILLRACE_TRY(property.max_length, read_length(options, "maxLength"));
  if (property.min_length && property.max_length && *property.min_length > *property.max_length)
    return options.error(fmt::format("no text has a length from {} to {}", *property.min_length, *property.max_length))
        .hint("swap the two");
  if (const Yaml* pattern = options.find("pattern")) {
    MILLRACE_DO(check_pattern(*pattern));
    property.pattern = pattern->text();
  }
  return {};
}

Result<bool> read_flag(const Yaml& node, std::string_view key) {
  const Yaml* found = node.find(key);
  return found == nullptr ? Result<bool>(false) : found->boolean();
}

}  // namespace

std::string_view name_of(LogicalType type) {
  return type == LogicalType::any ? std::string_view("any") : std::string_view(kTypes[static_cast<size_t>(type) - 1]);
}

std::string_view name_of(OnFail on_fail) {
  constexpr std::string_view kNames[] = {"inherit", "quarantine", "drop", "warn", "fail"};
  return kNames[static_cast<size_t>(on_fail)];
}

std::string_view name_of(Severity severity) {
  constexpr std::string_view kNames[] = {"none", "info", "warning", "error"};
  return kNames[static_cast<size_t>(severity)];
}

Result<std::string> one_of(const Yaml& node, std::string_view what, const std::vector<std::string>& known) {
  MILLRACE_TRY(auto text, node.string());
  if (std::find(known.begin(), known.end(), text) != known.end()) return text;
  const auto near = did_you_mean(text, known);
  return node.error(fmt::format("unknown {} '{}'", what, text))
      .hint(near ? fmt::format("did you mean '{}'?", *near) : fmt::format("one of {}", fmt::join(known, ", ")));
}

Result<LogicalType> read_logical_type(const Yaml& node) {
  MILLRACE_TRY(const auto text, one_of(node, "logicalType", kTypes));
  return static_cast<LogicalType>(std::find(kTypes.begin(), kTypes.end(), text) - kTypes.begin() + 1);
}

Result<OnFail> read_on_fail(const Yaml& element) {
  const Yaml* list = element.find("customProperties");
  if (list == nullptr) return OnFail::inherit;
  for (const auto& item : list->items()) {
    if (item.string_or("property", "") != "onFail") continue;
    MILLRACE_TRY(const auto text, one_of(*item.find("value"), "onFail", kActions));
    // A request is refused where a row of a batch is set aside: the same rule at two places.
    if (text == "quarantine" || text == "refuse") return OnFail::quarantine;
    return text == "drop" ? OnFail::drop : text == "warn" ? OnFail::warn : OnFail::fail;
  }
  return OnFail::inherit;
}

Result<Property> read_property(const Yaml& node, const std::string& object) {
  Property property{.where = node.where()};
  MILLRACE_TRY(property.name, node.get_string("name"));
  if (property.name.empty()) return node.error("a property needs a name");
  if (property.name.starts_with("millrace_"))
    return node.error(fmt::format("the name '{}' is taken: names with 'millrace_' are Millrace's own", property.name))
        .hint("rename the property; physicalName may keep the column's name");
  property.source_name = node.string_or("physicalName", property.name);
  property.physical_type = node.string_or("physicalType", "");
  property.description = node.string_or("description", "");
  property.classification = node.string_or("classification", "");
  if (const Yaml* type = node.find("logicalType")) {
    MILLRACE_TRY(property.type, read_logical_type(*type));
  }
  MILLRACE_TRY(property.required, read_flag(node, "required"));
  MILLRACE_TRY(property.unique, read_flag(node, "unique"));
  MILLRACE_TRY(property.primary_key, read_flag(node, "primaryKey"));
  if (const Yaml* position = node.find("primaryKeyPosition")) {
    MILLRACE_TRY(const int64_t number, position->integer());
    property.primary_key_position = static_cast<int>(number);
  }
  if (const Yaml* options = node.find("logicalTypeOptions")) MILLRACE_DO(read_options(*options, property));
  MILLRACE_TRY(property.on_fail, read_on_fail(node));
  MILLRACE_TRY(property.relationships, read_relationships(node, object, property.name));
  MILLRACE_TRY(property.quality, read_quality(node, true));
  return property;
}

}  // namespace millrace::data
