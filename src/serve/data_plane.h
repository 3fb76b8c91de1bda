// Serving: models of releases (or of plain files) behind one object. It reads immutable snapshots, writes only its
// prediction logs and touches no metadata store, so it goes on while the control plane is down. Thread-safe.
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/context.h"
#include "core/limits.h"
#include "core/result.h"
#include "engine/engine.h"
#include "registry/release/snapshot.h"
#include "serve/arms/served.h"
#include "serve/arms/shadow.h"
#include "serve/cases/log.h"
#include "serve/infer.h"
#include "serve/process/loader.h"

namespace millrace::serve {

struct DataPlaneOptions {
  std::string serving_folder;                               // releases: <folder>/<deployment>/current.json; "" = none
  std::string log_folder;                                   // prediction logs: <folder>/<deployment>/; "" = no log
  std::string log_sync = "50ms";                            // or "strict"
  std::vector<std::pair<std::string, std::string>> models;  // name, file: served without a release
  std::string contract;                                     // guards all of `models`; "" = unguarded
  GuardMode guard = GuardMode::reject;                      // of `models`
  std::string library;                                      // libonnxruntime.so; "" = the one of library_folder()
  std::string runtime = "auto";                             // of all models (runtimes.h)
  std::string batching = "exact";                           // of all models (together.h)
  size_t queue = limits::inference_queue;
  process::ProcessOptions processes = {};  // without a program, model files are loaded untried
  std::string notes_folder;                // of models, see process/loader.h; "" = none
  std::function<process::Isolation(const std::string& deployment)> isolation_of;  // none = in_process
};

// Who a request is for. Keeps the deployment's arms alive until it is answered.
struct Target {
  ServedPtr served;
  const ServedArm* arm = nullptr;  // whose inputs the request must have; who answers when `pinned`
  bool pinned = false;             // the request names a version: its unit decides nothing

  const ServedArm* operator->() const { return arm; }
};

struct AskedPrediction {
  Target target;
  const InferRequest* request = nullptr;
};

struct ModelState {
  std::string name, version;  // of the stable arm
  bool ready = false;
  std::string reason;  // why not
  bool wanted = true;  // not taken out of service by a request
};

// The right of one request to be read and answered. Given back when it goes.
class Seat {
 public:
  explicit Seat(std::atomic<size_t>& taken) : taken_(&taken) {}
  Seat(Seat&& other) noexcept : taken_(std::exchange(other.taken_, nullptr)) {}
  Seat& operator=(Seat&&) = delete;
  ~Seat() {
    if (taken_ != nullptr) taken_->fetch_sub(1);
  }

 private:
  std::atomic<size_t>* taken_;
};

// Where a model lies, before it is loaded.
struct ModelSource {
  std::string file, contract;  // paths; contract "" = unguarded
  std::string digest;          // that the file must have
  std::string runtime;         // "" = as the data plane's options say
};

class DataPlane {
 public:
  // `engines` reads sealed predictions. A model file that cannot be served is an error; a release that cannot is
  // logged, and makes ready() false with its reason, so that the others go on.
  static Result<std::unique_ptr<DataPlane>> open(DataPlaneOptions options, engine::Engines& engines, Context& context);
  ~DataPlane();

  // Takes the deployment's current snapshot, as one swap of a pointer; requests under way end with the arms that they
  // began with. Models that are in memory are not loaded again, those of arms that ended lately among them. On an error
  // the release before stays in place; at the start, where there is none, a stable arm goes on without the others.
  Result<void> reload(const std::string& deployment);
  // A model in memory that is on no traffic, beside those of the deployment.
  Result<LoadedPtr> candidate(const std::string& deployment, const ModelSource& source);
  // Could this snapshot, whose files are in place, be served? Its models are then in memory.
  Result<void> check(const registry::ReleaseSnapshot& snapshot);

  // not_found names what there is. version "" = whichever arm the unit of the request falls to.
  Result<Target> find(std::string_view name, std::string_view version) const;
  // Loads a model of `models` again from its file, which may have changed, as one swap: requests under way end with the
  // model that they began with. On an error the one before stays. `conflict` for a release, which `millrace release`
  // changes.
  Result<void> load_model(const std::string& name);
  // Takes a model of `models` out of service; its memory goes back to the system when its last request is answered.
  // conflict as above.
  Result<void> unload_model(const std::string& name);
  std::vector<ModelState> models() const;
  std::vector<ServedPtr> served() const;
  bool ready() const;  // every deployment has a model
  // Of a request for this model before it is read; `unavailable` when as many as the limit have one.
  Result<Seat> take_seat(std::string_view model);
  bool waits_for_disk() const { return strict_; }  // infer() may wait: do not call it on a network thread

  // Guard, model, log, in this order; the record is written before it returns. `unavailable` when too many requests are
  // under way, when it waited longer than its timeout, or when the record cannot be written, `invalid` when the model
  // refuses the values; a refusal by the contract is a reply, and so is a case that a person decides. What was answered
  // is offered to the shadows, which nothing here waits for.
  Result<InferReply> infer(const Target& target, const InferRequest& request);
  // Requests that wait at the same moment, each answered as by infer(); those that may share a call of a model do.
  std::vector<Result<InferReply>> infer_together(std::span<const AskedPrediction> asked);
  // Is it of use to collect what waits for this model? False for one that is not served.
  bool shares_calls(std::string_view model) const;

  // Rollouts under a policy (judge/judge.h). The canary is out of traffic when this is called, on the thread of the
  // request that brought the last evidence: it must be quick. Set before use.
  std::function<void(const std::string& deployment)> on_canary_out;
  // The judge of a deployment's canary, null without one.
  std::shared_ptr<Judge> judge(const std::string& deployment) const;
  // Writes what the judges know beside the snapshots, for the next start; those that have not changed are left.
  Result<void> save_judges();
  // A label that came back, for the judge.
  void see_label(const std::string& deployment, std::string_view prediction_id, int64_t row, bool positive);

  // A case is in the log of this deployment; called on the thread of its request: it must be quick. Set before use.
  std::function<void(const std::string& deployment)> on_case;
  std::vector<std::string> logged() const;  // deployments that have a prediction log
  // The cases in the log of one deployment that came after `from`, in order; each is told at least once. `from` moves
  // on as far as all went well. One thread at a time.
  Result<void> read_cases(CaseReading& from, const std::string& deployment, const OnCase& on_case) const;

  std::string metrics_text() const;                          // Prometheus text
  uint64_t models_loaded() const { return models_loaded_; }  // from files, since the start

  // Looks through open segments and sealed files. Not for the request path. The record of the arm that answered, and
  // beside it `shadows`: what each shadow made of the same request.
  Result<Json> find_prediction(const std::string& id) const;
  // {count, first}, shadows not counted; input "" = all.
  Result<Json> count_predictions(const std::string& deployment, const std::string& input) const;
  // A page of what the predictions of one input answered to (stored.h); the first page seals what is open.
  Result<Json> prediction_ids(const std::string& deployment, const std::string& input, const std::string& after);
  // Waits a bounded time for shadows, ends the open segment and turns every closed one into Parquet. Idempotent.
  Result<Json> seal(const std::string& deployment);

 private:
  DataPlane(DataPlaneOptions options, engine::Engines& engines, Context& context);
  Result<void> load_files();
  Result<void> load_releases();
  Result<std::shared_ptr<Place>> place_of(const std::string& name);
  Result<LoadedPtr> load(Place& place, const ModelSource& source);
  Result<ServedArm> arm(Place& place, Arm arm, const ModelSource& source);
  Result<ServedPtr> load_file(const std::string& name, const std::string& file);
  Result<std::string> file_of(const std::string& name) const;
  Result<std::shared_ptr<Served>> assemble(const std::shared_ptr<Place>& place,
                                           const registry::ReleaseSnapshot& snapshot, bool all_arms);
  Result<std::shared_ptr<Served>> load_release(const std::shared_ptr<Place>& place);
  void trim(Place& place, const Served* served) const;
  void forget_unused(Place& place) const;
  ServedPtr now_served(const std::string& name) const;
  std::vector<std::shared_ptr<Place>> places() const;
  void publish(const std::string& name, ServedPtr served);

  void join_judge(Served& served, const registry::ReleaseSnapshot& snapshot);
  void take_out(const Served& served) const;

  struct Attempt;
  void judge(const Target& target, const Attempt& it, const Result<std::vector<Tensor>>& outputs) const;
  std::optional<Case> find_case(const Attempt& it, std::span<const Tensor> outputs) const;
  struct Waiting;
  Result<void> admit(const Target& target, const InferRequest& request, std::optional<Seat>& seat);
  Attempt begin(const Target& target, const InferRequest& request) const;
  Result<InferReply> finish(const Target& target, Attempt& it, Result<std::vector<Tensor>> ran);
  bool answer_shadow(const ServedArm& shadow, const ShadowCopy& copy);
  void guard(Attempt& it) const;
  Error busy(Statistics* statistics);
  void count(const Attempt& it, bool good) const;
  Result<std::vector<Tensor>> run(Attempt& it) const;
  void run_shared(std::span<Waiting*> waiting) const;
  Result<void> check_outputs(Attempt& it, std::span<const Tensor> outputs) const;
  Result<std::vector<Tensor>> conclude(Attempt& it, Result<std::vector<Tensor>> outputs);
  Result<void> record(Attempt& it, std::span<const Tensor> outputs);

  using Map = std::map<std::string, ServedPtr, std::less<>>;
  const DataPlaneOptions options_;
  const bool strict_;
  engine::Engines& engines_;
  Context& context_;
  std::unique_ptr<process::Loader> loader_;
  std::atomic<size_t> under_way_{0};
  std::atomic<uint64_t> turned_away_{0}, late_{0}, models_loaded_{0};

  mutable std::mutex mutex_;  // guards the fields below; held for a copy of a pointer
  std::shared_ptr<const Map> map_;
  std::map<std::string, std::string> failing_;  // deployment -> why its newest snapshot is not served
  std::set<std::string> unloaded_;              // models of files that a request took out of service
  std::map<std::string, std::shared_ptr<Place>> places_;
  std::mutex open_mutex_;  // one place is made at a time
  std::mutex seal_mutex_;
  std::mutex save_mutex_;                         // guards the next field
  std::map<std::string, uint64_t> saved_judges_;  // deployment -> changes() of its judge
  std::unique_ptr<ShadowQueue> shadows_;          // last: its thread uses the others
};

}  // namespace millrace::serve
