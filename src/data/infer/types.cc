#include <fmt/format.h>

#include "data/infer/parts.h"
#include "data/typing.h"

namespace millrace::data::infer {
namespace {

// Most particular first; what fits none of them is text.
constexpr LogicalType kOfText[] = {LogicalType::boolean, LogicalType::integer,   LogicalType::number,
                                   LogicalType::date,    LogicalType::timestamp, LogicalType::time};
constexpr int64_t kFirstLook = 10'000;

LogicalType native_type(const std::string& type) {
  for (const auto* name : {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
                           "HUGEINT", "UHUGEINT"})
    if (type == name) return LogicalType::integer;
  if (type == "FLOAT" || type == "DOUBLE" || type.starts_with("DECIMAL")) return LogicalType::number;
  if (type == "BOOLEAN") return LogicalType::boolean;
  if (type == "DATE") return LogicalType::date;
  if (type.starts_with("TIMESTAMP")) return LogicalType::timestamp;
  if (type == "TIME") return LogicalType::time;
  if (type.ends_with("[]")) return LogicalType::array;
  if (type.starts_with("STRUCT") || type.starts_with("MAP")) return LogicalType::object;
  return LogicalType::any;
}

bool is_text(const std::string& type) {
  return type.empty() || type == "VARCHAR" || type == "UUID" || type.starts_with("ENUM");
}

// SQL for the value as `type`, NULL where it is not; tighter than the contract's reading where a text would be damaged
// by it: '007' is no number to compute with, 0 and 1 are numbers before they are answers.
Result<std::string> as_type(const engine::Dialect& dialect, LogicalType type, const std::string& source_type,
                            const std::string& raw) {
  Property property;
  property.type = type;
  MILLRACE_TRY(const auto typed, to_typed(dialect, property, source_type, raw));
  const auto text = source_type.empty() || source_type == "VARCHAR" ? raw : fmt::format("CAST({} AS VARCHAR)", raw);
  if (type == LogicalType::integer || type == LogicalType::number)
    return fmt::format("CASE WHEN NOT regexp_matches({}, '^[+-]?0[0-9]') THEN {} END", text, typed->sql);
  if (type == LogicalType::boolean) return fmt::format("CASE WHEN length({}) > 1 THEN {} END", text, typed->sql);
  return typed->sql;
}

struct Column {
  std::string name, type;  // the engine's, of the first file
  std::vector<LogicalType> left;
};

class Reader {
 public:
  Reader(engine::Engine& session, const std::vector<InputFile>& files) : session_(session), files_(files) {}

  Result<Typing> read() {
    for (const auto& column : files_[0].columns) {
      columns_.push_back({.name = column.name, .type = column.type, .left = {}});
      if (is_text(column.type)) columns_.back().left.assign(std::begin(kOfText), std::end(kOfText));
    }
    MILLRACE_DO(same_columns());
    // Most candidates fall at a first look; all rows then decide between the few that are left.
    MILLRACE_DO(look(kFirstLook));
    MILLRACE_DO(look(0));
    Typing typing;
    for (auto& column : columns_) {
      Property property;
      property.name = property.source_name = column.name;
      property.type = !is_text(column.type) ? native_type(column.type)
                      : column.left.empty() ? LogicalType::string
                                            : column.left[0];
      property.physical_type = column.type;
      auto belief = beliefs_[column.name];
      if (!is_text(column.type)) belief.confidence = 1;
      if (is_text(column.type) && column.left.empty()) belief.confidence = at_least(belief.support, belief.support);
      typing.beliefs[column.name] = belief;
      typing.properties.push_back(std::move(property));
    }
    return typing;
  }

 private:
  Result<void> same_columns() const {
    for (const auto& file : files_) {
      for (const auto& column : file.columns) {
        if (files_[0].find(column.name) == nullptr)
          return Error{Code::invalid, fmt::format("the column '{}' is in {} only", column.name, file.label)}
              .at({.file = file.label})
              .hint("infer from files that have the same columns");
        if (is_text(column.type) != is_text(files_[0].find(column.name)->type))
          return Error{Code::invalid,
                       fmt::format("the column '{}' has the type {} in {} and {} in {}", column.name, column.type,
                                   file.label, files_[0].find(column.name)->type, files_[0].label)}
              .at({.file = file.label})
              .hint("write both files with the same types");
      }
      for (const auto& column : files_[0].columns)
        if (file.find(column.name) == nullptr)
          return Error{Code::invalid, fmt::format("the column '{}' is missing in {}", column.name, file.label)}
              .at({.file = file.label})
              .hint("infer from files that have the same columns");
    }
    return {};
  }

  // Drops the candidates that too many values are none of. `rows` of each file, 0 = all of them.
  Result<void> look(int64_t rows) {
    std::string list = "count(*)";
    for (const auto& column : columns_) {
      const auto raw = engine::quote_name(column.name);
      list += fmt::format(", count({})", raw);
      for (const auto type : column.left) {
        MILLRACE_TRY(const auto sql, as_type(session_.dialect(), type, column.type, raw));
        list += fmt::format(", count({})", sql);
      }
    }
    std::string from;
    for (const auto& file : files_) {
      std::string names;
      for (const auto& column : columns_)
        names += fmt::format("{}c{} AS {}", names.empty() ? "" : ", ", file.index(column.name),
                             engine::quote_name(column.name));
      from += fmt::format("{}(SELECT {} FROM ({}){})", from.empty() ? "" : " UNION ALL ", names,
                          select_from(file, false), rows == 0 ? "" : fmt::format(" LIMIT {}", rows));
    }
    auto answer = session_.query(fmt::format("SELECT {} FROM ({})", list, from));
    if (!answer) return explain_read(std::move(answer).error(), files_);
    size_t at = 1;
    for (auto& column : columns_) {
      const int64_t present = answer->integer(0, at++);
      beliefs_[column.name].support = present;
      std::vector<std::pair<LogicalType, int64_t>> kept;  // the one that most values have first
      for (const auto type : column.left) {
        const int64_t fit = answer->integer(0, at++);
        if (present > 0 && fit < present && at_most(present - fit, present) > damaged_share) continue;
        kept.emplace_back(type, fit);
      }
      std::stable_sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
      if (rows == 0 && present == 0) kept.clear();  // nothing tells
      column.left.clear();
      for (const auto& [type, fit] : kept) column.left.push_back(type);
      if (!kept.empty()) beliefs_[column.name].confidence = at_least(kept[0].second, present);
    }
    return {};
  }

  engine::Engine& session_;
  const std::vector<InputFile>& files_;
  std::vector<Column> columns_;
  std::map<std::string, Belief> beliefs_;
};

}  // namespace

Result<Typing> infer_types(engine::Engine& session, const std::vector<InputFile>& files) {
  return Reader(session, files).read();
}

}  // namespace millrace::data::infer
