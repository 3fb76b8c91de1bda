#include "data/typing.h"

#include <fmt/format.h>
#include <re2/re2.h>

namespace millrace::data {
namespace {

using engine::Dialect;
using engine::SourceType;
using engine::SqlType;
using engine::TimePart;

constexpr std::string_view kInteger = R"([+-]?[0-9]{1,19}(\.0*)?)";
constexpr std::string_view kNumber =
    R"([+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?|(?i:nan|inf|infinity)))";
constexpr std::string_view kDate = R"([0-9]{4}-[0-9]{2}-[0-9]{2})";
// The end of a day is the next one's start: no 24:00, which engines read differently.
constexpr std::string_view kTime = R"((?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?)";
constexpr std::string_view kOffset = R"([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)";

std::string matched(const Dialect& dialect, std::string_view pattern, const std::string& raw, SqlType type) {
  return fmt::format("CASE WHEN {} THEN {} END", dialect.matches(raw, pattern), dialect.parse(raw, type));
}

// ISO 8601. A value with an offset is moved to UTC; one without is UTC.
std::string timestamp_of(const Dialect& dialect, const std::string& raw) {
  const auto local = fmt::format("{}(?:[T ]{}Z?)?", kDate, kTime);
  const auto offset = fmt::format("{}[T ]{}{}", kDate, kTime, kOffset);
  return fmt::format("CASE WHEN {} THEN {} WHEN {} THEN {} END", dialect.matches(raw, local),
                     dialect.parse(raw, SqlType::timestamp), dialect.matches(raw, offset), dialect.parse_zoned(raw));
}

// The digits that the parts have, exactly.
std::string pattern_of(const std::vector<TimePart>& parts) {
  static constexpr int kDigits[] = {4, 2, 2, 2, 2, 2, 3, 6};
  std::string out;
  for (const auto& part : parts)
    out += part.field == TimePart::Field::text ? re2::RE2::QuoteMeta(part.text)
                                               : fmt::format("[0-9]{{{}}}", kDigits[static_cast<size_t>(part.field)]);
  return out;
}

Result<std::optional<Typed>> from_text(const Dialect& dialect, const Property& property, const std::string& raw) {
  const auto ok = [](std::string sql) { return std::optional(Typed{std::move(sql), true}); };
  const bool temporal = property.type == LogicalType::date || property.type == LogicalType::timestamp ||
                        property.type == LogicalType::time;
  if (temporal && !property.format.empty()) {
    MILLRACE_TRY(const auto parts, read_format(property));
    return ok(fmt::format("CASE WHEN {} THEN {} END", dialect.matches(raw, pattern_of(parts)),
                          dialect.parse_parts(raw, parts, *sql_type(property.type))));
  }
  switch (property.type) {
    case LogicalType::integer: return ok(matched(dialect, kInteger, raw, SqlType::integer));
    case LogicalType::number: return ok(matched(dialect, kNumber, raw, SqlType::number));
    case LogicalType::boolean:
      return ok(fmt::format(
          "CASE WHEN lower({0}) IN ('true', '1') THEN TRUE WHEN lower({0}) IN ('false', '0') THEN FALSE END", raw));
    case LogicalType::date: return ok(matched(dialect, kDate, raw, SqlType::date));
    case LogicalType::timestamp: return ok(timestamp_of(dialect, raw));
    case LogicalType::time: return ok(matched(dialect, kTime, raw, SqlType::time));
    default: return std::optional(Typed{raw, false});
  }
}

std::optional<Typed> to_integer(const Dialect& dialect, SourceType from, const std::string& raw) {
  const auto fitting = dialect.try_cast(raw, SqlType::integer), real = dialect.cast(raw, SqlType::number);
  if (from == SourceType::integer) return Typed{dialect.cast(raw, SqlType::integer)};
  if (from == SourceType::wide) return Typed{fitting, true};
  // Tables with missing values often come with whole numbers as floating point. The first one that does not fit is cut
  // to the largest that does by Spark.
  if (from == SourceType::number)
    return Typed{fmt::format("CASE WHEN {0} = 0 AND {1} < {2} THEN {3} END",
                             dialect.remainder(real, dialect.literal(1.0)), real, dialect.literal(0x1p63), fitting),
                 true};
  return std::nullopt;
}

std::optional<Typed> from_native(const Dialect& dialect, LogicalType wanted, SourceType from, const std::string& raw) {
  switch (wanted) {
    case LogicalType::integer: return to_integer(dialect, from, raw);
    case LogicalType::number:
      if (from == SourceType::integer || from == SourceType::wide || from == SourceType::number)
        return Typed{dialect.cast(raw, SqlType::number)};
      return std::nullopt;
    case LogicalType::boolean: return from == SourceType::boolean ? std::optional(Typed{raw}) : std::nullopt;
    case LogicalType::date:
      if (from == SourceType::date) return Typed{raw};
      if (from == SourceType::timestamp)
        return Typed{
            fmt::format("CASE WHEN date_trunc('day', {0}) = {0} THEN {1} END", raw, dialect.cast(raw, SqlType::date)),
            true};
      return std::nullopt;
    case LogicalType::timestamp:
      if (from == SourceType::date || from == SourceType::timestamp)
        return Typed{dialect.cast(raw, SqlType::timestamp)};
      if (from == SourceType::zoned) return Typed{dialect.to_utc(raw)};
      return std::nullopt;
    case LogicalType::time:
      return from == SourceType::time ? std::optional(Typed{dialect.cast(raw, SqlType::time)}) : std::nullopt;
    case LogicalType::string: return std::nullopt;  // text is handled before
    default: return Typed{raw};
  }
}

// JSON says what a value is: text is never a number, however it looks.
Result<std::optional<Typed>> from_json(const Dialect& dialect, const Property& property, const std::string& raw) {
  const auto type = sql_type(property.type);
  if (!type) return std::optional(Typed{raw, false});
  MILLRACE_TRY(auto typed, from_text(dialect, property, dialect.json_text(raw, *type)));
  typed->may_fail = true;
  return typed;
}

}  // namespace

Result<std::vector<engine::TimePart>> read_format(const Property& property) {
  using Field = engine::TimePart::Field;
  static constexpr std::pair<std::string_view, Field> kLetters[] = {{"yyyy", Field::year},
                                                                    {"MM", Field::month},
                                                                    {"dd", Field::day},
                                                                    {"HH", Field::hour},
                                                                    {"mm", Field::minute},
                                                                    {"ss", Field::second},
                                                                    {"SSSSSS", Field::microsecond},
                                                                    {"SSS", Field::millisecond}};
  std::vector<engine::TimePart> parts;
  std::string_view rest = property.format;
  while (!rest.empty()) {
    if (rest.front() == '\'') {
      const auto end = rest.find('\'', 1);
      if (end == std::string_view::npos) break;
      parts.push_back({Field::text, std::string(rest.substr(1, end - 1))});
      rest.remove_prefix(end + 1);
      continue;
    }
    const auto letter = std::find_if(std::begin(kLetters), std::end(kLetters),
                                     [&](const auto& l) { return rest.starts_with(l.first); });
    if (letter != std::end(kLetters)) {
      parts.push_back({letter->second});
      rest.remove_prefix(letter->first.size());
      continue;
    }
    const char c = rest.front();
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) break;
    parts.push_back({Field::text, std::string(1, c)});
    rest.remove_prefix(1);
  }
  if (rest.empty()) return parts;
  return Error{Code::unsupported,
               fmt::format("the format '{}' of '{}' cannot be read from '{}' on", property.format, property.name, rest)}
      .at(property.where)
      .hint("use yyyy, MM, dd, HH, mm, ss, SSS, SSSSSS and quoted text; or leave the format out for ISO 8601");
}

std::optional<SqlType> sql_type(LogicalType type) {
  switch (type) {
    case LogicalType::string: return SqlType::text;
    case LogicalType::integer: return SqlType::integer;
    case LogicalType::number: return SqlType::number;
    case LogicalType::boolean: return SqlType::boolean;
    case LogicalType::date: return SqlType::date;
    case LogicalType::timestamp: return SqlType::timestamp;
    case LogicalType::time: return SqlType::time;
    default: return std::nullopt;
  }
}

Result<std::optional<Typed>> to_typed(const Dialect& dialect, const Property& property, const std::string& source_type,
                                      const std::string& raw) {
  const auto text = dialect.type(SqlType::text);
  if (source_type.empty() || source_type == text) return from_text(dialect, property, raw);
  const SourceType from = dialect.source_type(source_type);
  if (from == SourceType::json) return from_json(dialect, property, raw);
  if (from != SourceType::text) return from_native(dialect, property.type, from, raw);
  return from_text(dialect, property, dialect.cast(raw, SqlType::text));
}

}  // namespace millrace::data
