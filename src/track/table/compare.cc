#include "track/table/compare.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "track/search/query.h"

namespace millrace::track {
namespace {

// Always true. An index over values holds all that is asked for, and SQLite would read it from end to end; it does not
// hold this.
constexpr std::string_view kNotByValue = " AND f.version >= 0";

struct Part {
  Entity entity;
  std::string_view table, value;
};
constexpr Part kParts[] = {{Entity::param, "track_params", "f.value"},
                           {Entity::metric, "track_latest_metrics", "f.value"},
                           {Entity::tag, "track_run_tags", "f.value"}};

}  // namespace

Result<std::vector<ComparedColumn>> compared_columns(store::Session& session, const std::string& workspace,
                                                     const std::vector<std::string>& runs, bool differ) {
  std::vector<ComparedColumn> out;
  const std::set<std::string> once(runs.begin(), runs.end());
  const std::vector<std::string> ids(once.begin(), once.end());
  const auto count = static_cast<int64_t>(ids.size());
  for (const auto& part : kParts) {
    store::Values values;
    const auto sql = with_wanted(ids, values);
    values.emplace_back(workspace);
    const bool metric = part.entity == Entity::metric;
    MILLRACE_TRY(
        const auto rows,
        session.query(fmt::format("{}SELECT f.key, count(*), CASE WHEN min({}) = max({}){} THEN 1 ELSE 0 END "
                                  "FROM wanted CROSS JOIN {} f WHERE f.workspace = ? AND f.run_id = wanted_id"
                                  "{} GROUP BY f.key",
                                  sql, part.value, part.value, metric ? " AND min(f.is_nan) = max(f.is_nan)" : "",
                                  part.table, metric ? kNotByValue : std::string_view()),
                      values));
    std::vector<ComparedColumn> some;
    for (const auto& row : rows) {
      const bool differs = row.integer(1) != count || row.integer(2) == 0;
      if (differs || !differ) some.push_back({{part.entity, row.text(0)}, differs});
    }
    std::sort(some.begin(), some.end(), [](const ComparedColumn& a, const ComparedColumn& b) {
      return a.differs != b.differs ? a.differs : a.column.key < b.column.key;
    });
    std::move(some.begin(), some.end(), std::back_inserter(out));
  }
  return out;
}

}  // namespace millrace::track
