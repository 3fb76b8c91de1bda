#include "data/profiles/profile_scan.h"

#include <fmt/format.h>

#include "data/profiles/profile_columns.h"

namespace millrace::data {

ProfileScan::ProfileScan(const Plan& plan, const Object& object, const ProfileEdges& edges)
    : plan_(plan), object_(object), aggregates_{"count(*)"} {
  for (const auto& property : object.properties) {
    const auto known = edges.find(property.name);
    counters_.emplace(property.name,
                      ColumnCounter(property.type, known == edges.end() ? std::vector<double>{} : known->second));
    if (plan.may_be_wrong(property.name))
      aggregates_.push_back(fmt::format("count_if({})", plan.wrong_type(property.name)));
  }
}

void ProfileScan::add_to(BatchScan& scan) {
  const auto& dialect = plan_.dialect();
  for (const auto& property : object_.properties) {
    auto sql = plan_.value(property.name);
    if (is_numeric(property.type) || property.type == LogicalType::boolean || property.type == LogicalType::string) {
      // As it is.
    } else if (is_time(property.type)) {
      sql = dialect.epoch_micros(sql);
    } else if (is_opaque(property.type)) {
      sql = fmt::format("CASE WHEN {} IS NOT NULL THEN TRUE END", sql);
    } else {
      sql = dialect.cast(sql, engine::SqlType::text);
    }
    auto& counter = counters_.at(property.name);
    scan.add(std::move(sql), [&counter](const engine::ScanColumn& rows) { counter.take(rows); });
  }
}

Result<Profile> ProfileScan::finish(const engine::Table& answer, size_t at) {
  Profile profile{.rows = answer.integer(0, at++)};
  for (const auto& property : object_.properties) {
    auto& column = profile.columns[property.name];
    column.type = property.type;
    column.masked = property.is_masked();
    column.wrong_type = plan_.may_be_wrong(property.name) ? answer.integer(0, at++) : 0;
    counters_.at(property.name).tell(column);
    column.nulls = profile.rows - column.count - column.wrong_type;
    if (column.masked) column.top.clear();
  }
  return profile;
}

}  // namespace millrace::data
