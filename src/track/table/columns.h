// Columns of the table of runs: what metrics, parameters and tags there are, and in how many runs.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/context.h"
#include "store/database.h"
#include "track/search/filter.h"

namespace millrace::track {

inline constexpr size_t kColumnsMost = 200;  // of one page of runs

struct RunColumn {
  Entity entity = Entity::metric;  // or param, tag
  std::string key;
  std::string name() const;  // "metrics.auc"
  friend bool operator==(const RunColumn&, const RunColumn&) = default;
};
// "metrics.auc", "params.depth", "tags.mlflow.user"; the key may stand in backticks. `invalid` with a hint.
Result<RunColumn> parse_column(std::string_view text);
// metric, param or tag, of a request.
Result<Entity> parse_entity(std::string_view text);
std::string_view plural_of(Entity entity);  // metrics, params, tags

struct UsedColumn {
  RunColumn column;
  int64_t runs = 0;
};

// Thread-safe. Counting reads an index from end to end, so what was counted holds for twenty times as long as it took:
// however often it is asked, a twentieth of one thread's time is spent on it. A new column shows that much later.
class ColumnCounts {
 public:
  ColumnCounts(const store::Database& database, Context& context) : database_(database), context_(context) {}

  using Columns = std::shared_ptr<const std::vector<UsedColumn>>;
  // Of the active runs of these experiments; most used first, then by key.
  Result<Columns> of(const std::string& workspace, const std::vector<std::string>& experiments, Entity entity);

 private:
  struct Known {
    Columns columns;
    Micros until = 0;  // steady
  };
  const store::Database& database_;
  Context& context_;
  std::mutex mutex_;  // guards the field below
  std::map<std::string, Known> known_;
};

}  // namespace millrace::track
