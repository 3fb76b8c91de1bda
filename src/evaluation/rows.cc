#include "evaluation/rows.h"

#include <unordered_map>

#include <fmt/format.h>

#include "core/hash.h"
#include "track/names.h"

namespace millrace::evaluation {
namespace {

constexpr std::string_view kColumns =
    "d.id, d.name, d.digest, d.fields, d.create_time, d.update_time, d.created_by, d.updated_by, "
    "(SELECT count(*) FROM eval_records r WHERE r.workspace = d.workspace AND r.dataset_id = d.id)";

Dataset to_dataset(const store::Row& row) {
  Dataset out{.id = row.text(0),
              .name = row.text(1),
              .digest = row.text(2),
              .fields = {},
              .records = row.integer(8),
              .create_time = row.integer(4),
              .update_time = row.integer(5),
              .created_by = row.text(6),
              .updated_by = row.text(7),
              .tags = {},
              .experiment_ids = {}};
  if (!row.text(3).empty())
    if (auto fields = parse_json(row.text(3), "dataset")) out.fields = std::move(*fields);
  return out;
}

// `only`: "" or " AND dataset_id = ?".
Result<void> fill(store::Session& session, std::string_view only, const store::Values& values,
                  std::vector<Dataset>& datasets) {
  std::unordered_map<std::string, Dataset*> by_id;
  for (auto& each : datasets) by_id.emplace(each.id, &each);
  MILLRACE_TRY(
      const auto tags,
      session.query(fmt::format("SELECT dataset_id, key, value FROM eval_dataset_tags WHERE workspace = ?{}", only),
                    values));
  for (const auto& row : tags)
    if (const auto found = by_id.find(row.text(0)); found != by_id.end())
      found->second->tags[row.text(1)] = row.text(2);
  MILLRACE_TRY(const auto experiments,
               session.query(fmt::format("SELECT dataset_id, experiment_id FROM eval_dataset_experiments WHERE "
                                         "workspace = ?{} ORDER BY experiment_id",
                                         only),
                             values));
  for (const auto& row : experiments)
    if (const auto found = by_id.find(row.text(0)); found != by_id.end())
      found->second->experiment_ids.push_back(row.text(1));
  return {};
}

}  // namespace

Result<Dataset> load(store::Session& session, const std::string& workspace, const std::string& id) {
  MILLRACE_TRY(const auto row, session.first(fmt::format("SELECT {} FROM eval_datasets d WHERE d.workspace = ? AND "
                                                         "d.id = ?",
                                                         kColumns),
                                             {workspace, id}));
  if (!row) return Error{Code::not_found, fmt::format("Evaluation dataset with id '{}' not found", id.substr(0, 250))};
  std::vector<Dataset> out{to_dataset(*row)};
  MILLRACE_DO(fill(session, " AND dataset_id = ?", {workspace, id}, out));
  return std::move(out.front());
}

Result<std::vector<Dataset>> load_all(store::Session& session, const std::string& workspace) {
  MILLRACE_TRY(
      const auto rows,
      session.query(fmt::format("SELECT {} FROM eval_datasets d WHERE d.workspace = ?", kColumns), {workspace}));
  std::vector<Dataset> out;
  for (const auto& row : rows) out.push_back(to_dataset(row));
  MILLRACE_DO(fill(session, "", {workspace}, out));
  return out;
}

Result<void> store_tags(store::Session& session, const std::string& workspace, const std::string& id,
                        const std::map<std::string, std::string>& tags) {
  for (const auto& [key, value] : tags)
    MILLRACE_DO(
        session.execute("INSERT INTO eval_dataset_tags (workspace, dataset_id, key, value) VALUES (?, ?, ?, ?) "
                        "ON CONFLICT (workspace, dataset_id, key) DO UPDATE SET value = excluded.value",
                        {workspace, id, key, value}));
  return {};
}

Result<void> touch(store::Session& session, const std::string& workspace, const Dataset& dataset, int64_t now,
                   const std::string& by) {
  MILLRACE_DO(session.execute(
      "UPDATE eval_datasets SET update_time = ?, digest = ?, updated_by = ? WHERE workspace = ? AND id = ?",
      {now, digest_at(dataset.name, now), by.empty() ? dataset.updated_by : by, workspace, dataset.id}));
  return {};
}

std::string digest_at(const std::string& name, int64_t time) {
  return digest_of(fmt::format("{}:{}", name, time)).substr(std::string_view("sha256:").size(), 8);
}

Result<void> check_tags(const std::map<std::string, std::string>& tags) {
  if (tags.size() > bounds::tags) return Error{Code::invalid, fmt::format("at most {} tags are taken", bounds::tags)};
  for (const auto& [key, value] : tags)
    if (key.empty() || track::characters_in(key) > bounds::key || track::characters_in(value) > bounds::value)
      return Error{Code::invalid, fmt::format("tag '{}' has a key of more than {} characters or of none, or a value of "
                                              "more than {}",
                                              key.substr(0, 80), bounds::key, bounds::value)};
  return {};
}

lineage::Change change_of(std::string_view kind, const std::string& id, Json body) {
  body["dataset_id"] = id;
  return {.kind = fmt::format("evaluation.{}", kind),
          .node = "",
          .before = "",
          .after = "",
          .why = "",
          .body = std::move(body)};
}

}  // namespace millrace::evaluation
