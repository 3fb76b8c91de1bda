// Windows of a deployment, computed as event time goes on. A look evaluates what has come due since the one before, in
// the order of event time, and once more every complete window that late requests or labels have fallen into; what has
// not changed is not read again, so a look costs the same as months pass.
//
// Repeatable: a look that was cut off anywhere goes on where it was, and the same evidence never makes a second
// revision. What was recorded stays: a revision is added beside the older ones.
#pragma once
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "monitor/event_clock.h"
#include "monitor/reference.h"
#include "monitor/window/log_index.h"
#include "monitor/window/window_rows.h"

namespace millrace::monitor {

struct LookReport {
  Micros to = 0;
  int64_t looks = 0;      // at windows that had rows
  int64_t revisions = 0;  // recorded
  Json to_json() const;   // {to, looks, revisions}
};

// What a long look may do meanwhile. Both may be empty.
struct Progress {
  std::function<bool()> cancelled;
  std::function<void(double share, std::string_view what)> say;
};

// Thread-safe; one look at a time.
class Windows {
 public:
  struct Parts {
    store::Database& database;
    store::Blobs& blobs;
    lineage::Journal& journal;
    Context& context;
    engine::Engines& engines;
    FindFacts facts;
    std::function<Result<void>(const std::string& deployment)> seal;  // all of its prediction log becomes Parquet
    std::string log_folder;                                           // STATE/predictions
    std::string temp_folder;
  };
  explicit Windows(Parts parts);

  // Every look that is due by `to` and was not done, then complete windows that have changed. An earlier `to` than
  // before does only the latter. In a look at time L the labels known at L count; in a complete window that is looked
  // at again, those known at the later of `to` and the event clock.
  Result<LookReport> look(const Caller& caller, const MonitorSpec& spec, Micros to, const Progress& progress = {});

  // Called after each look with the windows as they stand then, all arms, and the event time; also when nothing was
  // new, and again when a look was cut off before it had returned. Its error ends the look. Set before use.
  std::function<Result<void>(const Caller&, const MonitorSpec&, const std::vector<Window>&, Micros at)> on_look;

  // How far a replay has brought event time; 0 = none has, the deployment lives in wall-clock time. It never goes back.
  // With the first one, looks that went farther by the wall clock count no longer: nothing of that time was there.
  Result<Micros> event_now(const std::string& workspace, const std::string& deployment) const;
  Result<void> advance(const Caller& caller, const std::string& deployment, Micros to);

  // The newest revision of each window, oldest first.
  Result<std::vector<Window>> list(const std::string& workspace, const WindowFilter& filter,
                                   const std::optional<WindowCursor>& after = {}, int64_t limit = 1'000) const;

 private:
  class Look;
  Result<std::vector<LookAt>> due_looks(const Look& look) const;
  Result<void> evaluate(Look& look, const LookAt& at, Micros told);
  Result<void> find_changed(Look& look);
  Result<void> look_again(Look& look);
  Result<ClockRow> clock(const std::string& workspace, const std::string& deployment) const;
  Result<void> change_clock(const Caller& caller, const std::string& deployment,
                            const std::function<void(ClockRow&)>& change);

  const Parts parts_;
  const LogIndex index_;
  References references_;
  std::mutex one_at_a_time_;
};

}  // namespace millrace::monitor
