#include "data/rows/reference_keys.h"

#include <fmt/format.h>

#include "data/rows/text_value.h"

namespace millrace::data {
namespace {

// How a part of the key gets out of SQL.
std::string spelled(const Plan& plan, LogicalType type, const std::string& name) {
  const auto& dialect = plan.dialect();
  switch (type) {
    case LogicalType::integer:
    case LogicalType::number:
    case LogicalType::boolean: return name;
    case LogicalType::date:
    case LogicalType::timestamp: return dialect.epoch_micros(name);
    default: return dialect.cast(name, engine::SqlType::text);
  }
}

Cell cell_of(const engine::ScanColumn& column, size_t row, LogicalType type) {
  using Kind = engine::ScanColumn::Kind;
  if (column.kind() == Kind::number) return Cell::of(column.numbers()[row]);
  if (column.kind() == Kind::boolean) return Cell::of_boolean(column.boolean(row));
  if (column.kind() == Kind::text) return Cell::of(column.text(row));
  if (type == LogicalType::date) return Cell::of(Cell::Kind::date, column.integers()[row]);
  return type == LogicalType::timestamp ? Cell::of(Cell::Kind::timestamp, column.integers()[row])
                                        : Cell::of(column.integers()[row]);
}

}  // namespace

Result<std::shared_ptr<const KeySet>> read_keys(engine::Engine& session, Plan& plan, const Rule& rule,
                                                const std::map<std::string, std::vector<std::string>>& references) {
  MILLRACE_TRY(const auto table, plan.make_reference(rule, references));
  std::vector<LogicalType> types;
  std::string list;
  for (size_t i = 0; i < rule.columns.size(); ++i) {
    types.push_back(plan.property(rule.columns[i]).type);
    list += (i == 0 ? "" : ", ") + spelled(plan, types[i], fmt::format("millrace_k{}", i));
  }
  Property time;
  time.type = LogicalType::time;
  MILLRACE_TRY(const auto times, TextValue::make(time));
  auto keys = std::make_shared<KeySet>();
  std::string key;
  const auto take = [&](std::span<const engine::ScanColumn> columns) -> Result<void> {
    for (size_t row = 0; row < columns[0].rows(); ++row) {
      key.clear();
      for (size_t i = 0; i < columns.size(); ++i) {
        const auto part = cell_of(columns[i], row, types[i]);
        append_key(types[i] == LogicalType::time ? times.read(part.text) : part, key);
      }
      if (!keys->add(key))
        return Error{Code::too_large, fmt::format("the keys that {} looks up take more than {} bytes of memory",
                                                  rule.id, limits::row_key_bytes)}
            .at(rule.where)
            .hint("check the batch with --engine duckdb");
    }
    return {};
  };
  MILLRACE_DO(engine::scanner_of(session)->scan(fmt::format("SELECT {} FROM {}", list, table), take));
  return std::shared_ptr<const KeySet>(std::move(keys));
}

}  // namespace millrace::data
