#include "track/table/columns.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "track/search/query.h"

namespace millrace::track {
namespace {

constexpr Micros kWorth = 20;      // how many times as long as it took a count holds
constexpr size_t kKnownMost = 64;  // questions

struct Kind {
  std::string_view singular, plural;
  Entity entity;
};
constexpr Kind kKinds[] = {
    {"metric", "metrics", Entity::metric}, {"param", "params", Entity::param}, {"tag", "tags", Entity::tag}};

Error unknown_column(std::string_view text) {
  return Error{Code::invalid, fmt::format("'{}' is no column of runs", text.substr(0, 300))}.at_field("columns").hint(
      "write metrics.KEY, params.KEY or tags.KEY; GET /runs/columns lists those that there are");
}

// The value index holds experiment and key of every metric; parameters and tags are those of the experiment's runs.
Result<store::Rows> count(store::Session& session, const std::string& workspace,
                          const std::vector<std::string>& experiments, Entity entity) {
  store::Values values{workspace};
  if (entity == Entity::metric) {
    const auto list = placeholders(experiments, values);
    return session.query(fmt::format("SELECT key, count(*) FROM track_latest_metrics WHERE workspace = ? AND "
                                     "experiment_id IN ({}) GROUP BY key",
                                     list),
                         values);
  }
  const auto list = placeholders(experiments, values);
  values.emplace_back(workspace);
  return session.query(
      fmt::format("SELECT f.key, count(*) FROM track_runs t CROSS JOIN {} f WHERE t.workspace = ? AND t.experiment_id "
                  "IN ({}) AND t.lifecycle_stage = 'active' AND f.workspace = ? AND f.run_id = t.id GROUP BY f.key",
                  entity == Entity::param ? "track_params" : "track_run_tags", list),
      values);
}

}  // namespace

std::string_view plural_of(Entity entity) {
  for (const auto& kind : kKinds)
    if (kind.entity == entity) return kind.plural;
  return "attributes";
}

std::string RunColumn::name() const { return fmt::format("{}.{}", plural_of(entity), key); }

Result<RunColumn> parse_column(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return unknown_column(text);
  auto key = text.substr(dot + 1);
  if (key.size() >= 2 && key.front() == '`' && key.back() == '`') key = key.substr(1, key.size() - 2);
  for (const auto& kind : kKinds)
    if (!key.empty() && (text.substr(0, dot) == kind.plural || text.substr(0, dot) == kind.singular))
      return RunColumn{kind.entity, std::string(key)};
  return unknown_column(text);
}

Result<Entity> parse_entity(std::string_view text) {
  for (const auto& kind : kKinds)
    if (text == kind.singular || text == kind.plural) return kind.entity;
  return Error{Code::invalid, fmt::format("there is no kind '{}' of columns", text.substr(0, 100))}
      .at_field("kind")
      .hint("metric, param or tag");
}

Result<ColumnCounts::Columns> ColumnCounts::of(const std::string& workspace,
                                               const std::vector<std::string>& experiments, Entity entity) {
  const auto key = fmt::format("{}\n{}\n{}", workspace, plural_of(entity), fmt::join(experiments, ","));
  const Micros began = context_.clock.steady();
  {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find(key);
    if (known != known_.end() && began < known->second.until) return known->second.columns;
  }
  auto columns = std::make_shared<std::vector<UsedColumn>>();
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto rows, count(session, workspace, experiments, entity));
    columns->reserve(rows.size());
    for (const auto& row : rows) columns->push_back({{entity, row.text(0)}, row.integer(1)});
    return {};
  }));
  std::sort(columns->begin(), columns->end(), [](const UsedColumn& a, const UsedColumn& b) {
    return a.runs != b.runs ? a.runs > b.runs : a.column.key < b.column.key;
  });
  const Micros now = context_.clock.steady();
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kKnownMost) known_.clear();
  known_[key] = {columns, now + (now - began) * kWorth};
  return Columns(columns);
}

}  // namespace millrace::track
