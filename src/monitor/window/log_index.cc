#include "monitor/window/log_index.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/fault.h"
#include "core/files.h"
#include "monitor/window/periods.h"
#include "serve/prediction_log.h"

namespace millrace::monitor {
namespace {

constexpr size_t kAtOnce = 256;  // files a query
constexpr int64_t kMemory = int64_t{512} << 20;

std::string name_of_file(const std::string& path) { return path.substr(path.rfind('/') + 1); }

struct FileDay {
  std::string file, first_id, last_id;
  Micros day = 0;
  int64_t rows = 0;
};

Result<std::vector<FileDay>> read_days(engine::Engines& engines, const std::string& workspace,
                                       const std::vector<std::string>& paths) {
  std::vector<std::string> quoted;
  for (const auto& path : paths) quoted.push_back(engine::quote_text(path));
  MILLRACE_TRY(auto engine, engines.open({.threads = 1, .memory_bytes = kMemory, .readable = paths}));
  MILLRACE_DO(engine->lock_down());
  const auto table = engine->query(
      fmt::format(
          "SELECT filename, {} AS day, count(*), min(prediction_id), max(prediction_id) FROM read_parquet([{}], "
          "union_by_name = true, filename = true) WHERE workspace = ? GROUP BY 1, 2 ORDER BY 1, 2",
          day_expression(), fmt::join(quoted, ", ")),
      {workspace});
  if (!table)
    return Error{Code::corrupt, "the prediction log cannot be read: " + table.error().message()}.hint(
        "restore the predictions folder from a backup");
  std::vector<FileDay> out;
  for (size_t row = 0; row < table->rows(); ++row)
    out.push_back({.file = name_of_file(table->text(row, 0)),
                   .first_id = table->text(row, 3),
                   .last_id = table->text(row, 4),
                   .day = table->integer(row, 1),
                   .rows = table->integer(row, 2)});
  return out;
}

}  // namespace

// Cut towards the past, also before 1970.
std::string_view day_expression() {
  return "epoch_us(event_time) - ((epoch_us(event_time) % 86400000000) + 86400000000) % 86400000000";
}

Result<void> mark_due(store::Session& session, const std::string& workspace, const std::string& deployment,
                      Micros from) {
  MILLRACE_TRY(
      const auto done,
      session.execute("INSERT INTO monitor_due (workspace, deployment, from_time) VALUES (?, ?, ?) ON CONFLICT "
                      "DO NOTHING",
                      {workspace, deployment, from}));
  (void)done;
  return {};
}

std::string LogIndex::path_of(const std::string& deployment, const std::string& file) const {
  return fmt::format("{}/{}/{}", parts_.log_folder, deployment, file);
}

Result<void> LogIndex::update(const Caller& caller, const MonitorSpec& spec, Micros looked_to) const {
  const auto& deployment = spec.deployment;
  std::set<std::string> known;
  MILLRACE_DO(parts_.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto rows, session.query("SELECT file FROM monitor_files WHERE workspace = ? AND deployment = ?",
                                                {caller.workspace, deployment}));
    for (const auto& row : rows) known.insert(row.text(0));
    return {};
  }));
  std::vector<std::string> fresh;
  for (const auto& path : serve::list_segments(parts_.log_folder + "/" + deployment, ".parquet"))
    if (!known.contains(name_of_file(path))) fresh.push_back(absolute(path));
  for (size_t at = 0; at < fresh.size(); at += kAtOnce) {
    const std::vector<std::string> some(fresh.begin() + static_cast<long>(at),
                                        fresh.begin() + static_cast<long>(std::min(at + kAtOnce, fresh.size())));
    MILLRACE_TRY(const auto days, read_days(parts_.engines, caller.workspace, some));
    const auto written = parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
      for (const auto& path : some) {
        MILLRACE_TRY(const auto done,
                     session.execute("INSERT INTO monitor_files (workspace, deployment, file) VALUES (?, ?, ?) ON "
                                     "CONFLICT DO NOTHING",
                                     {caller.workspace, deployment, name_of_file(path)}));
        (void)done;
      }
      for (const auto& day : days) {
        MILLRACE_TRY(
            const auto done,
            session.execute("INSERT INTO monitor_file_days (workspace, deployment, day, file, row_count, "
                            "first_id, last_id) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                            {caller.workspace, deployment, day.day, day.file, day.rows, day.first_id, day.last_id}));
        (void)done;
        const auto from = period_start(spec.window, day.day);
        if (period_end(spec.window, from) <= looked_to)
          MILLRACE_DO(mark_due(session, caller.workspace, deployment, from));
      }
      return lineage::Change{};
    });
    if (!written) return written.error();
    FAULT_POINT("monitor.index.after_files");
  }
  return {};
}

Result<LogPart> LogIndex::part(const std::string& workspace, const std::string& deployment, Micros from,
                               Micros to) const {
  LogPart out;
  MILLRACE_DO(parts_.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(
        const auto rows,
        session.query("SELECT file, min(first_id), max(last_id) FROM monitor_file_days WHERE workspace = ? AND "
                      "deployment = ? AND day >= ? AND day < ? GROUP BY file ORDER BY file",
                      {workspace, deployment, day_of(from), to}));
    for (const auto& row : rows) {
      out.files.push_back(path_of(deployment, row.text(0)));
      if (out.first_id.empty() || row.text(1) < out.first_id) out.first_id = row.text(1);
      out.last_id = std::max(out.last_id, row.text(2));
    }
    return {};
  }));
  return out;
}

Result<std::vector<std::string>> LogIndex::files_with(const std::string& workspace, const std::string& deployment,
                                                      const std::string& first_id, const std::string& last_id) const {
  std::vector<std::string> out;
  MILLRACE_DO(parts_.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto rows,
                 session.query("SELECT DISTINCT file FROM monitor_file_days WHERE workspace = ? AND deployment = ? AND "
                               "last_id >= ? AND first_id <= ? ORDER BY file",
                               {workspace, deployment, first_id, last_id}));
    for (const auto& row : rows) out.push_back(path_of(deployment, row.text(0)));
    return {};
  }));
  return out;
}

Result<std::vector<Micros>> LogIndex::days(const std::string& workspace, const std::string& deployment, Micros from,
                                           Micros to) const {
  std::vector<Micros> out;
  MILLRACE_DO(parts_.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto rows,
                 session.query("SELECT DISTINCT day FROM monitor_file_days WHERE workspace = ? AND deployment = ? AND "
                               "day >= ? AND day < ? ORDER BY day",
                               {workspace, deployment, from, to}));
    for (const auto& row : rows) out.push_back(row.integer(0));
    return {};
  }));
  return out;
}

}  // namespace millrace::monitor
