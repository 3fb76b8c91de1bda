// Moves canaries on by what their judges say (serve/judge/judge.h): to the next step, to promotion, back. The judge
// takes a bad canary out of traffic by itself and at once; here its release is written, with the proof, through the
// registry, as often as it takes while the metadata store is away. People decide beside it at any time: a move of
// theirs wins, and hold() stops the policy.
//
// A step lasts until the canary has answered the policy's min_rows since it has its share, and while there is no doubt
// (half of the way to the limit, in orders of magnitude). After the last step it is promoted once every guardrail was
// shown to be kept. Without traffic nothing moves.
#pragma once
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/project.h"
#include "lineage/journal.h"
#include "monitor/rollout/shared_evidence.h"
#include "monitor/rollout/stored_difference.h"
#include "monitor/window/log_index.h"
#include "registry/registry.h"
#include "serve/data_plane.h"
#include "store/database.h"

namespace millrace::monitor {

// A person's word that a policy is to wait.
struct Hold {
  bool rollback = false;  // it does not take the canary back either
  std::string why, subject;
  Micros at = 0;
  Json to_json() const;
};

// Thread-safe.
class Rollouts {
 public:
  struct Parts {
    store::Database& database;
    lineage::Journal& journal;
    Context& context;
    registry::Registry& registry;
    serve::DataPlane& data_plane;
    engine::Engines& engines;
    store::Blobs& blobs;
    std::function<Result<Project>()> project;
    std::string serving_folder, predictions_folder, temp_folder;
  };
  explicit Rollouts(Parts parts);
  ~Rollouts() { stop(); }

  // Looks four times a second, and at once when a canary is out. Once each; stop() saves what the judges know.
  void start();
  void stop();
  // Before start(), where other servers are on the same store: canaries are judged with what all of them see.
  void share(SharedEvidence evidence) { shared_ = std::move(evidence); }
  void wake();  // quick, from any thread
  void look();  // what the thread does

  // {deployment, state: none | gathering | doubt | held | out | ready | aa, next: what comes, problem: why it does not,
  //  hold, live: the release, rollout: the judge's report, decided: the newest release that a policy decided} with null
  // for what there is not. not_found without a release.
  Result<Json> status(const std::string& workspace, const std::string& deployment) const;
  // What a shadow made of the requests that others answered, row by row, from the prediction log (difference.h).
  // version 0: the only shadow that there is now. not_found when it listened to nothing.
  // Ended windows as they were stored, and the log beyond them; `stored`: {windows, rows, from, to}.
  Result<Json> difference(const std::string& workspace, const std::string& deployment, int64_t version) const;
  // Stores the differences of ended windows that are not stored yet (stored_difference.h): a job's work. {windows,
  // rows}.
  Result<Json> store_differences(const Caller& caller, const std::string& deployment,
                                 const std::function<bool()>& cancelled);
  // What a version would have answered to the requests that came, whether it was ever on traffic or not (replay.h).
  // Reads the log once: a job's work. `threshold`: the version's, where its gates do not know it yet.
  struct Period {
    Micros from = 0, to = 0;  // event times; 0 = no bound
  };
  Result<Json> replay(const std::string& workspace, const std::string& deployment, int64_t version, Period period,
                      const std::function<bool()>& cancelled, std::optional<double> threshold = {}) const;
  // Both take the role of who moves traffic, and a reason. A second hold replaces the first; resume() without one is a
  // `conflict`.
  Result<Hold> hold(const Caller& caller, const std::string& deployment, const std::string& why, bool rollback);
  Result<void> resume(const Caller& caller, const std::string& deployment, const std::string& why);

 private:
  // A move that did not go through.
  struct Trouble {
    int64_t release = 0;
    std::string text;
    Micros again_at = 0;  // steady
  };
  Result<DifferenceRequest> compare(const registry::ReleaseSnapshot& snapshot, int64_t version) const;
  void watch();
  void look_at(const serve::ServedPtr& served);
  void exchange(serve::Judge& judge);
  Result<std::optional<Hold>> read_hold(const std::string& workspace, const std::string& deployment) const;
  bool must_wait(const std::string& deployment, int64_t release) const;
  void note(const std::string& deployment, int64_t release, const Result<registry::Release>& done);
  Result<registry::Release> take_back(const serve::Judge& judge, int64_t release);
  Result<registry::Release> go_on(const serve::Judge& judge, int64_t release, std::optional<double> share);

  const Parts parts_;
  const LogIndex index_;
  DifferenceStore differences_;
  std::mutex one_at_a_time_;  // a look; guards the next field
  std::optional<SharedEvidence> shared_;
  mutable std::mutex mutex_;  // guards the fields below
  std::condition_variable wake_;
  bool woken_ = false, stopping_ = false;
  std::map<std::string, Trouble> troubles_;
  std::map<std::string, std::optional<Hold>> holds_;  // as last read
  std::thread thread_;
};

}  // namespace millrace::monitor
