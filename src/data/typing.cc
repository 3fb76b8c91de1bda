#include "data/typing.h"

#include <fmt/format.h>

#include "engine/engine.h"

namespace millrace::data {
namespace {

enum class Family { text, integer, wide, number, boolean, date, timestamp, zoned, time, json, other };

Family family_of(const std::string& type) {
  if (type.empty() || type == "VARCHAR" || type.starts_with("ENUM") || type == "UUID") return Family::text;
  for (const auto* name : {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"})
    if (type == name) return Family::integer;
  if (type == "UBIGINT" || type == "HUGEINT" || type == "UHUGEINT") return Family::wide;
  if (type == "FLOAT" || type == "DOUBLE" || type.starts_with("DECIMAL")) return Family::number;
  if (type == "BOOLEAN") return Family::boolean;
  if (type == "DATE") return Family::date;
  if (type == "TIMESTAMP WITH TIME ZONE") return Family::zoned;
  if (type.starts_with("TIMESTAMP")) return Family::timestamp;
  if (type == "JSON") return Family::json;
  return type == "TIME" || type == "TIME_NS" ? Family::time : Family::other;
}

constexpr std::string_view kInteger = R"([+-]?[0-9]{1,19}(\.0*)?)";
constexpr std::string_view kNumber =
    R"([+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?|(?i:nan|inf|infinity)))";
constexpr std::string_view kDate = R"([0-9]{4}-[0-9]{2}-[0-9]{2})";
constexpr std::string_view kTime = R"([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)";

std::string matched(std::string_view pattern, const std::string& raw, const std::string& then) {
  return fmt::format("CASE WHEN regexp_full_match({}, {}) THEN {} END", raw, engine::quote_text(pattern), then);
}

// ISO 8601. A value with an offset is moved to UTC; one without is UTC.
std::string timestamp_of(const std::string& raw) {
  const auto local = fmt::format("{}(?:[T ]{}Z?)?", kDate, kTime);
  const auto offset = fmt::format("{}[T ]{}[+-][0-9]{{2}}(?::?[0-9]{{2}})?", kDate, kTime);
  return fmt::format(
      "CASE WHEN regexp_full_match({0}, {1}) THEN TRY_CAST({0} AS TIMESTAMP) WHEN regexp_full_match({0}, {2}) THEN "
      "make_timestamp(epoch_us(TRY_CAST({0} AS TIMESTAMP WITH TIME ZONE))) END",
      raw, engine::quote_text(local), engine::quote_text(offset));
}

// A date pattern of Java's form, which the standard uses, as the engine's.
Result<std::string> to_strptime(const Property& property) {
  static constexpr std::pair<std::string_view, std::string_view> kLetters[] = {
      {"yyyy", "%Y"}, {"MM", "%m"}, {"dd", "%d"},     {"HH", "%H"},
      {"mm", "%M"},   {"ss", "%S"}, {"SSSSSS", "%f"}, {"SSS", "%g"}};
  std::string out;
  std::string_view rest = property.format;
  while (!rest.empty()) {
    if (rest.front() == '\'') {
      const auto end = rest.find('\'', 1);
      if (end == std::string_view::npos) break;
      for (const char c : rest.substr(1, end - 1)) out += c == '%' ? "%%" : std::string(1, c);
      rest.remove_prefix(end + 1);
      continue;
    }
    const auto letter = std::find_if(std::begin(kLetters), std::end(kLetters),
                                     [&](const auto& l) { return rest.starts_with(l.first); });
    if (letter != std::end(kLetters)) {
      out += letter->second;
      rest.remove_prefix(letter->first.size());
      continue;
    }
    const char c = rest.front();
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) break;
    out += c == '%' ? "%%" : std::string(1, c);
    rest.remove_prefix(1);
  }
  if (rest.empty()) return out;
  return Error{Code::unsupported,
               fmt::format("the format '{}' of '{}' cannot be read from '{}' on", property.format, property.name, rest)}
      .at(property.where)
      .hint("use yyyy, MM, dd, HH, mm, ss, SSS, SSSSSS and quoted text; or leave the format out for ISO 8601");
}

Result<std::optional<Typed>> from_text(const Property& property, const std::string& raw) {
  const auto ok = [](std::string sql) { return std::optional(Typed{std::move(sql), true}); };
  const bool temporal = property.type == LogicalType::date || property.type == LogicalType::timestamp ||
                        property.type == LogicalType::time;
  if (temporal && !property.format.empty()) {
    MILLRACE_TRY(const auto format, to_strptime(property));
    return ok(
        fmt::format("CAST(TRY_STRPTIME({}, {}) AS {})", raw, engine::quote_text(format), sql_type(property.type)));
  }
  switch (property.type) {
    case LogicalType::integer: return ok(matched(kInteger, raw, fmt::format("TRY_CAST({} AS BIGINT)", raw)));
    case LogicalType::number: return ok(matched(kNumber, raw, fmt::format("TRY_CAST({} AS DOUBLE)", raw)));
    case LogicalType::boolean:
      return ok(fmt::format(
          "CASE WHEN lower({0}) IN ('true', '1') THEN TRUE WHEN lower({0}) IN ('false', '0') THEN FALSE END", raw));
    case LogicalType::date: return ok(matched(kDate, raw, fmt::format("TRY_CAST({} AS DATE)", raw)));
    case LogicalType::timestamp: return ok(timestamp_of(raw));
    case LogicalType::time: return ok(matched(kTime, raw, fmt::format("TRY_CAST({} AS TIME)", raw)));
    default: return std::optional(Typed{raw, false});
  }
}

std::optional<Typed> to_integer(Family from, const std::string& raw) {
  if (from == Family::integer) return Typed{fmt::format("CAST({} AS BIGINT)", raw)};
  if (from == Family::wide) return Typed{fmt::format("TRY_CAST({} AS BIGINT)", raw), true};
  // Tables with missing values often come with whole numbers as floating point.
  if (from == Family::number)
    return Typed{
        fmt::format("CASE WHEN CAST({0} AS DOUBLE) = floor(CAST({0} AS DOUBLE)) THEN TRY_CAST({0} AS BIGINT) END", raw),
        true};
  return std::nullopt;
}

std::optional<Typed> from_native(LogicalType wanted, Family from, const std::string& raw) {
  switch (wanted) {
    case LogicalType::integer: return to_integer(from, raw);
    case LogicalType::number:
      if (from == Family::integer || from == Family::wide || from == Family::number)
        return Typed{fmt::format("CAST({} AS DOUBLE)", raw)};
      return std::nullopt;
    case LogicalType::boolean: return from == Family::boolean ? std::optional(Typed{raw}) : std::nullopt;
    case LogicalType::date:
      if (from == Family::date) return Typed{raw};
      if (from == Family::timestamp)
        return Typed{fmt::format("CASE WHEN date_trunc('day', {0}) = {0} THEN CAST({0} AS DATE) END", raw), true};
      return std::nullopt;
    case LogicalType::timestamp:
      if (from == Family::date || from == Family::timestamp) return Typed{fmt::format("CAST({} AS TIMESTAMP)", raw)};
      if (from == Family::zoned) return Typed{fmt::format("make_timestamp(epoch_us({}))", raw)};
      return std::nullopt;
    case LogicalType::time:
      return from == Family::time ? std::optional(Typed{fmt::format("CAST({} AS TIME)", raw)}) : std::nullopt;
    case LogicalType::string: return std::nullopt;  // text is handled before
    default: return Typed{raw};
  }
}

// JSON says what a value is: text is never a number, however it looks.
Result<std::optional<Typed>> from_json(const Property& property, const std::string& raw) {
  if (sql_type(property.type).empty()) return std::optional(Typed{raw, false});
  const char* kinds = "'VARCHAR'";
  if (property.type == LogicalType::integer || property.type == LogicalType::number)
    kinds = "'BIGINT', 'UBIGINT', 'DOUBLE'";
  if (property.type == LogicalType::boolean) kinds = "'BOOLEAN'";
  const auto text = fmt::format("(CASE WHEN json_type({0}) IN ({1}) THEN {0} ->> '$' END)", raw, kinds);
  MILLRACE_TRY(auto typed, from_text(property, text));
  typed->may_fail = true;
  return typed;
}

}  // namespace

std::string sql_type(LogicalType type) {
  switch (type) {
    case LogicalType::string: return "VARCHAR";
    case LogicalType::integer: return "BIGINT";
    case LogicalType::number: return "DOUBLE";
    case LogicalType::boolean: return "BOOLEAN";
    case LogicalType::date: return "DATE";
    case LogicalType::timestamp: return "TIMESTAMP";
    case LogicalType::time: return "TIME";
    default: return "";
  }
}

Result<std::optional<Typed>> to_typed(const Property& property, const std::string& source_type,
                                      const std::string& raw) {
  const Family from = family_of(source_type);
  if (from == Family::json) return from_json(property, raw);
  if (from != Family::text) return from_native(property.type, from, raw);
  const bool plain = source_type.empty() || source_type == "VARCHAR";
  return from_text(property, plain ? raw : fmt::format("CAST({} AS VARCHAR)", raw));
}

}  // namespace millrace::data
