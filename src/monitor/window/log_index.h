// Which sealed files of the prediction log hold which days of event time, so that a window opens only what it needs and
// a look costs the same after a year. Kept in the store; a file is read for it once, when it is new.
#pragma once
#include <string>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "engine/engine.h"
#include "lineage/journal.h"
#include "monitor/spec.h"

namespace millrace::monitor {

// A part of the log, by event time.
struct LogPart {
  std::vector<std::string> files;  // absolute, oldest first
  std::string first_id, last_id;   // of the predictions of its days
};

// Thread-safe.
class LogIndex {
 public:
  struct Parts {
    store::Database& database;
    lineage::Journal& journal;
    engine::Engines& engines;
    std::string log_folder;  // STATE/predictions
    std::string temp_folder;
  };
  explicit LogIndex(Parts parts) : parts_(std::move(parts)) {}

  // Takes up the deployment's new files. In the same transaction, complete windows that have got rows, those that end
  // by `looked_to`, are marked as due. `corrupt` for a file that cannot be read.
  Result<void> update(const Caller& caller, const MonitorSpec& spec, Micros looked_to) const;

  // Files with rows of days that touch [from, to).
  Result<LogPart> part(const std::string& workspace, const std::string& deployment, Micros from, Micros to) const;
  // Files whose prediction ids may be among first_id..last_id.
  Result<std::vector<std::string>> files_with(const std::string& workspace, const std::string& deployment,
                                              const std::string& first_id, const std::string& last_id) const;
  // Days (their midnights) from `from` on that have rows and begin before `to`, ascending.
  Result<std::vector<Micros>> days(const std::string& workspace, const std::string& deployment, Micros from,
                                   Micros to) const;

 private:
  std::string path_of(const std::string& deployment, const std::string& file) const;

  const Parts parts_;
};

// The SQL of a row's day.
std::string_view day_expression();

// Marks a window as one to be looked at again; inside a transaction.
Result<void> mark_due(store::Session& session, const std::string& workspace, const std::string& deployment,
                      Micros from);

}  // namespace millrace::monitor
