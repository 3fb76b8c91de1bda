#include "monitor/window/label_rows.h"

#include <optional>

#include <fmt/format.h>

#include "engine/parquet.h"

namespace millrace::monitor {
namespace {

using engine::Column;

constexpr int64_t kPage = 50'000;  // rows of the store at a time, and of a file

// Files of one kind, written when a page is full.
class Files {
 public:
  Files(std::string prefix, engine::Columns columns) : prefix_(std::move(prefix)), columns_(std::move(columns)) {}

  engine::Columns& columns() { return columns_; }
  Result<void> row_done() { return columns_[0].size() >= kPage ? flush() : Result<void>{}; }
  Result<std::vector<std::string>> finish() {
    MILLRACE_DO(flush());
    return std::move(files_);
  }

 private:
  Result<void> flush() {
    if (columns_[0].size() == 0) return {};
    files_.push_back(fmt::format("{}-{}.parquet", prefix_, files_.size()));
    MILLRACE_DO(engine::write_parquet(files_.back(), columns_));
    for (auto& column : columns_) column.clear();
    return {};
  }

  const std::string prefix_;
  engine::Columns columns_;
  std::vector<std::string> files_;
};

// Reads every row of a query that ends in a keyset; `visit` sees each, `next` answers the key of the last one.
template <class Next, class Visit>
Result<void> each_row(const store::Database& database, const std::string& sql, store::Values key, Next next,
                      Visit visit) {
  while (true) {
    store::Rows rows;
    MILLRACE_DO(database.read([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(rows, session.query(sql, key));
      return {};
    }));
    for (const auto& row : rows) MILLRACE_DO(visit(row));
    if (rows.size() < static_cast<size_t>(kPage)) return {};
    next(rows.back(), key);
  }
}

}  // namespace

Result<std::vector<std::string>> write_labels(const store::Database& database, const LabelView& view,
                                              const std::string& first_id, const std::string& last_id,
                                              const std::string& folder) {
  Files files(folder + "/labels",
              {Column("prediction_id", Column::Kind::text), Column("row_number", Column::Kind::integer),
               Column("label", Column::Kind::integer), Column("revision", Column::Kind::integer)});
  std::optional<store::Row> newest;  // of the row that is being read; revisions ascend
  const auto push = [&]() -> Result<void> {
    if (!newest) return {};
    auto& columns = files.columns();
    columns[0].push_text(newest->text(0));
    columns[1].push_integer(newest->integer(1));
    columns[2].push_integer(newest->integer(3));
    columns[3].push_integer(newest->integer(2));
    return files.row_done();
  };
  const auto sql = fmt::format(
      "SELECT prediction_id, row_number, revision, label FROM labels WHERE workspace = ? AND deployment = ? AND "
      "prediction_id >= ? AND prediction_id <= ? AND batch <= ? AND event_time <= ? AND (prediction_id > ? OR "
      "row_number "
      "> ? OR (row_number = ? AND revision > ?)) ORDER BY prediction_id, row_number, revision LIMIT {}",
      kPage);
  MILLRACE_DO(each_row(
      database, sql,
      {view.workspace, view.deployment, first_id, last_id, view.batch, view.until, first_id, int64_t{-1}, int64_t{-1},
       int64_t{0}},
      [](const store::Row& last, store::Values& key) {
        key[2] = key[6] = last.text(0);
        key[7] = key[8] = last.integer(1);
        key[9] = last.integer(2);
      },
      [&](const store::Row& row) -> Result<void> {
        if (newest && (newest->text(0) != row.text(0) || newest->integer(1) != row.integer(1))) MILLRACE_DO(push());
        newest = row;
        return {};
      }));
  MILLRACE_DO(push());
  return files.finish();
}

Result<NewLabels> write_new_labels(const store::Database& database, const LabelView& before, const LabelView& now,
                                   const std::string& folder) {
  NewLabels out;
  Files files(folder + "/new", {Column("prediction_id", Column::Kind::text), Column("batch", Column::Kind::integer),
                                Column("event_time", Column::Kind::integer)});
  const auto visit = [&](const store::Row& row) -> Result<void> {
    const auto id = row.text(0);
    if (out.first_id.empty() || id < out.first_id) out.first_id = id;
    if (id > out.last_id) out.last_id = id;
    auto& columns = files.columns();
    columns[0].push_text(id);
    columns[1].push_integer(row.integer(3));
    columns[2].push_integer(row.integer(4));
    return files.row_done();
  };
  // Of calls since then; and of earlier ones whose event time had not come. Each goes along its own index.
  const std::string columns = "prediction_id, row_number, revision, batch, event_time";
  const auto next_by = [](size_t lead) {
    return [lead](const store::Row& last, store::Values& key) {
      key[2] = key[6] = last.integer(lead);
      key[7] = key[8] = last.text(0);
      key[9] = key[10] = last.integer(1);
      key[11] = last.integer(2);
    };
  };
  const auto page_after = [](const std::string& lead) {
    return fmt::format(
        "({0} > ? OR prediction_id > ? OR (prediction_id = ? AND (row_number > ? OR (row_number = ? AND revision > "
        "?)))) "
        "ORDER BY {0}, prediction_id, row_number, revision LIMIT {1}",
        lead, kPage);
  };
  MILLRACE_DO(each_row(database,
                       fmt::format("SELECT {} FROM labels WHERE workspace = ? AND deployment = ? AND batch >= ? AND "
                                   "batch > ? AND batch <= ? AND event_time <= ? AND {}",
                                   columns, page_after("batch")),
                       {before.workspace, before.deployment, before.batch, before.batch, now.batch, now.until,
                        before.batch, "", "", int64_t{-1}, int64_t{-1}, int64_t{0}},
                       next_by(3), visit));
  MILLRACE_DO(
      each_row(database,
               fmt::format("SELECT {} FROM labels WHERE workspace = ? AND deployment = ? AND event_time >= ? AND "
                           "event_time > ? AND event_time <= ? AND batch <= ? AND {}",
                           columns, page_after("event_time")),
               {before.workspace, before.deployment, before.until, before.until, now.until, before.batch, before.until,
                "", "", int64_t{-1}, int64_t{-1}, int64_t{0}},
               next_by(4), visit));
  MILLRACE_TRY(out.files, files.finish());
  return out;
}

Result<int64_t> last_batch(const store::Database& database, const std::string& workspace,
                           const std::string& deployment) {
  int64_t out = 0;
  MILLRACE_DO(database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto row, session.first("SELECT max(batch) FROM labels WHERE workspace = ? AND deployment = ?",
                                               {workspace, deployment}));
    if (row && !row->is_null(0)) out = row->integer(0);
    return {};
  }));
  return out;
}

}  // namespace millrace::monitor
