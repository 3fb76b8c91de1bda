#include "monitor/event_clock.h"

#include <optional>

namespace millrace::monitor {

Result<ClockRow> read_clock(store::Session& session, const std::string& workspace, const std::string& deployment) {
  MILLRACE_TRY(const auto row, session.first("SELECT event_now, looked_to, label_batch, label_time FROM monitor_clock "
                                             "WHERE workspace = ? AND deployment = ?",
                                             {workspace, deployment}));
  if (!row) return ClockRow{};
  return ClockRow{row->integer(0), row->integer(1), row->integer(2), row->integer(3)};
}

Result<void> write_clock(store::Session& session, const std::string& workspace, const std::string& deployment,
                         const ClockRow& row) {
  MILLRACE_TRY(const auto done,
               session.execute("INSERT INTO monitor_clock (workspace, deployment, event_now, looked_to, label_batch, "
                               "label_time) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (workspace, deployment) DO UPDATE "
                               "SET event_now = excluded.event_now, looked_to = excluded.looked_to, "
                               "label_batch = excluded.label_batch, label_time = excluded.label_time",
                               {workspace, deployment, row.event_now, row.looked_to, row.label_batch, row.label_time}));
  (void)done;
  return {};
}

}  // namespace millrace::monitor
