#include "exchange/progress.h"

namespace millrace::exchange {

Result<std::optional<Step>> Progress::find(const std::string& kind, const std::string& id) const {
  std::optional<Step> step;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto row, session.first("SELECT target, state, digest FROM exchange_progress WHERE workspace = "
                                               "? AND source = ? AND kind = ? AND id = ?",
                                               {workspace_, source_, kind, id}));
    if (row) step = Step{.target = row->text(0), .state = row->text(1), .digest = row->text(2)};
    return {};
  }));
  return step;
}

Result<void> Progress::note(store::Session& session, const std::string& kind, const std::string& id,
                            const Step& step) const {
  MILLRACE_TRY(
      const auto done,
      session.execute("INSERT INTO exchange_progress (workspace, source, kind, id, target, state, digest) VALUES (?, "
                      "?, ?, ?, ?, ?, ?) ON CONFLICT (workspace, source, kind, id) DO UPDATE SET target = "
                      "excluded.target, state = excluded.state, digest = excluded.digest",
                      {workspace_, source_, kind, id, step.target, step.state, step.digest}));
  (void)done;
  return {};
}

}  // namespace millrace::exchange
