#include "monitor/window/newest.h"

#include <fmt/format.h>

#include "core/limits.h"

namespace millrace::monitor {

Result<std::vector<Window>> newest_windows(store::Session& session, const std::string& workspace,
                                           const std::string& deployment, const std::string& arm, int64_t periods) {
  store::Values values{workspace, deployment};
  if (!arm.empty()) values.emplace_back(arm);
  values.emplace_back(periods);
  MILLRACE_TRY(const auto row,
               session.first(fmt::format("SELECT min(from_time) FROM (SELECT DISTINCT from_time FROM monitor_windows "
                                         "WHERE workspace = ? AND deployment = ?{} ORDER BY from_time DESC LIMIT ?) n",
                                         arm.empty() ? "" : " AND arm = ?"),
                             values));
  if (!row || row->is_null(0)) return std::vector<Window>();
  return read_windows(session, workspace, {.deployment = deployment, .arm = arm, .from = row->integer(0)}, {},
                      static_cast<int64_t>(limits::page_size));
}

Result<WindowMark> window_mark(store::Session& session, const std::string& workspace, const std::string& deployment) {
  MILLRACE_TRY(const auto row, session.first("SELECT count(*), coalesce(max(recorded_at), 0) FROM monitor_windows "
                                             "WHERE workspace = ? AND deployment = ?",
                                             {workspace, deployment}));
  return WindowMark{row->integer(0), row->integer(1)};
}

}  // namespace millrace::monitor
