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
    std::function<Result<Project>()> project;
    std::string serving_folder, predictions_folder, temp_folder;
  };
  explicit Rollouts(Parts parts);
  ~Rollouts() { stop(); }

  // Looks four times a second, and at once when a canary is out. Once each; stop() saves what the judges know.
  void start();
  void stop();
  void wake();  // quick, from any thread
  void look();  // what the thread does

  // {deployment, state: none | gathering | doubt | held | out | ready, next: what comes, problem: why it does not,
  //  hold, live: the release, rollout: the judge's report, decided: the newest release that a policy decided} with null
  // for what there is not. not_found without a release.
  Result<Json> status(const std::string& workspace, const std::string& deployment) const;
  // What a shadow made of the requests that others answered, row by row, from the prediction log (difference.h).
  // version 0: the only shadow that there is now. not_found when it listened to nothing.
  Result<Json> difference(const std::string& workspace, const std::string& deployment, int64_t version) const;
  // What a version would have answered to the requests that came, whether it was ever on traffic or not (replay.h).
  // Reads the log once: a job's work.
  struct Period {
    Micros from = 0, to = 0;  // event times; 0 = no bound
  };
  Result<Json> replay(const std::string& workspace, const std::string& deployment, int64_t version, Period period,
                      const std::function<bool()>& cancelled) const;
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
  void watch();
  void look_at(const serve::ServedPtr& served);
  Result<std::optional<Hold>> read_hold(const std::string& workspace, const std::string& deployment) const;
  bool must_wait(const std::string& deployment, int64_t release) const;
  void note(const std::string& deployment, int64_t release, const Result<registry::Release>& done);
  Result<registry::Release> take_back(const serve::Judge& judge, int64_t release);
  Result<registry::Release> go_on(const serve::Judge& judge, int64_t release, std::optional<double> share);

  const Parts parts_;
  std::mutex one_at_a_time_;  // a look
  mutable std::mutex mutex_;  // guards the fields below
  std::condition_variable wake_;
  bool woken_ = false, stopping_ = false;
  std::map<std::string, Trouble> troubles_;
  std::map<std::string, std::optional<Hold>> holds_;  // as last read
  std::thread thread_;
};

}  // namespace millrace::monitor
