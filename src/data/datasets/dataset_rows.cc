#include "data/datasets/dataset_rows.h"

#include <algorithm>

#include <fmt/format.h>

namespace millrace::data {
namespace {

constexpr std::string_view kColumns =
    "dataset, version, digest, file, quarantine_file, contract_digest, contract_file, profile_digest, findings_digest, "
    "input_digest, verdict, row_count, "
    "accepted, quarantined, period_from, period_to, recorded_at, inputs, reference_nodes";

std::vector<std::string> to_names(const std::string& text) {
  std::vector<std::string> out;
  const auto list = parse_json(text, "dataset_versions");
  if (list && list->is_array())
    for (const auto& item : *list) out.push_back(item.get<std::string>());
  return out;
}

DatasetVersion to_version(const store::Row& row) {
  return {.dataset = row.text(0),
          .version = row.integer(1),
          .digest = row.text(2),
          .file = row.text(3),
          .quarantine_file = row.text(4),
          .contract_digest = row.text(5),
          .profile_digest = row.text(7),
          .findings_digest = row.text(8),
          .contract_file = row.text(6),
          .input_digest = row.text(9),
          .verdict = row.text(10),
          .rows = row.integer(11),
          .accepted = row.integer(12),
          .quarantined = row.integer(13),
          .period_from = row.integer(14),
          .period_to = row.integer(15),
          .recorded_at = row.integer(16),
          .inputs = to_names(row.text(17)),
          .references = to_names(row.text(18))};
}

}  // namespace

Result<std::vector<DatasetVersion>> read_versions(store::Session& session, const std::string& workspace,
                                                  const std::string& dataset) {
  const bool all = dataset.empty();
  store::Values values{workspace};
  if (!all) values.push_back(dataset);
  MILLRACE_TRY(
      const auto rows,
      session.query(fmt::format("SELECT {} FROM dataset_versions WHERE workspace = ? {} ORDER BY dataset, version",
                                kColumns, all ? "" : "AND dataset = ?"),
                    values));
  std::vector<DatasetVersion> out;
  for (const auto& row : rows) out.push_back(to_version(row));
  return out;
}

Result<std::optional<DatasetVersion>> read_by_key(store::Session& session, const std::string& workspace,
                                                  const std::string& dataset, const std::string& key) {
  MILLRACE_TRY(
      const auto row,
      session.first(fmt::format("SELECT {} FROM dataset_versions WHERE workspace = ? AND dataset = ? AND batch_key = ?",
                                kColumns),
                    {workspace, dataset, key}));
  return row ? std::optional(to_version(*row)) : std::nullopt;
}

Result<int64_t> next_version(store::Session& session, const std::string& workspace, const std::string& dataset) {
  MILLRACE_TRY(const auto row,
               session.first("SELECT max(version) FROM dataset_versions WHERE workspace = ? AND dataset = ?",
                             {workspace, dataset}));
  return row && !row->is_null(0) ? row->integer(0) + 1 : 1;
}

Result<void> insert_version(store::Session& session, const std::string& workspace, const std::string& key,
                            const DatasetVersion& v) {
  MILLRACE_TRY(const auto done,
               session.execute(fmt::format("INSERT INTO dataset_versions (workspace, batch_key, {}) VALUES (?, ?, ?, "
                                           "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                           kColumns),
                               {workspace,
                                key,
                                v.dataset,
                                v.version,
                                v.digest,
                                v.file,
                                v.quarantine_file,
                                v.contract_digest,
                                v.contract_file,
                                v.profile_digest,
                                v.findings_digest,
                                v.input_digest,
                                v.verdict,
                                v.rows,
                                v.accepted,
                                v.quarantined,
                                v.period_from,
                                v.period_to,
                                v.recorded_at,
                                to_text(Json(v.inputs)),
                                to_text(Json(v.references))}));
  (void)done;
  return {};
}

std::vector<DatasetVersion> current_versions(const std::vector<DatasetVersion>& versions) {
  std::vector<DatasetVersion> out;
  for (const auto& version : versions) {
    if (!version.is_selectable()) continue;
    std::erase_if(out, [&](const DatasetVersion& older) {
      return older.period_from == version.period_from && older.period_to == version.period_to;
    });
    out.push_back(version);
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.period_from < b.period_from; });
  return out;
}

}  // namespace millrace::data
