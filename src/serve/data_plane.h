// Serving: models of releases (or of plain files) behind one object. It reads immutable snapshots, writes only its
// prediction logs and touches no metadata store, so it goes on while the control plane is down. Thread-safe.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/context.h"
#include "core/limits.h"
#include "core/result.h"
#include "engine/engine.h"
#include "serve/guard.h"
#include "serve/prediction_log.h"
#include "serve/runtime.h"
#include "serve/statistics.h"

namespace millrace::serve {

struct DataPlaneOptions {
  std::string serving_folder;                               // releases: <folder>/<deployment>/current.json; "" = none
  std::string log_folder;                                   // prediction logs: <folder>/<deployment>/; "" = no log
  std::string log_sync = "50ms";                            // or "strict"
  std::vector<std::pair<std::string, std::string>> models;  // name, file: served without a release
  std::string contract;                                     // guards all of `models`; "" = unguarded
  std::string library;                                      // libonnxruntime.so; "" = the one of library_folder()
  size_t queue = limits::inference_queue;
};

// What stays of a deployment while its releases come and go.
struct Place {
  std::string name;
  std::unique_ptr<PredictionLog> log;  // null without a log folder
  StatisticsByVersion statistics;
};

// A deployment at one moment. Immutable; a request keeps it alive until it is answered.
struct Served {
  Arm arm;
  ArmKey key;
  std::string version;  // as the protocol shows it
  std::string release;  // node of the release
  std::shared_ptr<const Model> model;
  std::unique_ptr<const Guard> guard;  // null: inputs are not guarded
  std::shared_ptr<Place> place;
  std::shared_ptr<Statistics> statistics;
};
using ServedPtr = std::shared_ptr<const Served>;

struct InferRequest {
  std::vector<Tensor> inputs;  // one for each input of the model, in its order; types and shapes fit
  std::vector<size_t> wanted;  // indexes of outputs
  std::string request_id;
  Micros event_time = 0;  // 0: the time of arrival
  std::string unit, input;
  bool json_answer = true;  // outputs must fit JSON: no NaN, no infinity, UTF-8
};

struct InferReply {
  std::string prediction_id;
  std::optional<Refusal> refusal;  // set: there are no outputs
  std::vector<Tensor> outputs;     // one for each of `wanted`
};

struct ModelState {
  std::string name, version;
  bool ready = false;
  std::string reason;  // why not
};

class DataPlane {
 public:
  // `engines` reads sealed predictions. A model file that cannot be served is an error; a release that cannot is
  // logged, and makes ready() false with its reason, so that the others go on.
  static Result<std::unique_ptr<DataPlane>> open(DataPlaneOptions options, engine::Engines& engines, Context& context);
  ~DataPlane();

  // Takes the deployment's current snapshot; requests under way end with the one that they began with.
  // On an error the one before stays in place.
  Result<void> reload(const std::string& deployment);

  // not_found names what there is. version "" = the current one.
  Result<ServedPtr> find(std::string_view name, std::string_view version) const;
  std::vector<ModelState> models() const;
  std::vector<ServedPtr> served() const;
  bool ready() const;                              // every deployment has a model
  bool waits_for_disk() const { return strict_; }  // infer() may wait: do not call it on a network thread

  // Guard, model, log, in this order; the record is written before it returns. `unavailable` when too many requests are
  // under way or the record cannot be written, `invalid` when the model refuses the values; a refusal by the contract
  // is a reply.
  Result<InferReply> infer(const Served& served, const InferRequest& request);

  std::string metrics_text() const;  // Prometheus text

  // Looks through open segments and sealed files. Not for the request path.
  Result<Json> find_prediction(const std::string& id) const;
  Result<Json> count_predictions(const std::string& deployment,
                                 const std::string& input) const;  // {count, first}; input "" = all
  // A page of what the predictions of one input answered to (stored.h); the first page seals what is open.
  Result<Json> prediction_ids(const std::string& deployment, const std::string& input, const std::string& after);
  // Ends the open segment and turns every closed one into Parquet. Idempotent.
  Result<Json> seal(const std::string& deployment);

 private:
  DataPlane(DataPlaneOptions options, engine::Engines& engines, Context& context);
  Result<void> load_files();
  Result<void> load_releases();
  Result<std::shared_ptr<Place>> place_of(const std::string& name);
  Result<ServedPtr> build(Arm arm, const std::string& bytes, const std::string& file, const std::string& contract);
  Result<ServedPtr> load_release(const std::string& deployment);
  std::vector<std::shared_ptr<Place>> places() const;
  void publish(const std::string& name, ServedPtr served);
  Result<InferReply> answer(const Served& served, const InferRequest& request);
  std::optional<Refusal> guard(const Served& served, const InferRequest& request, PredictionFacts& facts) const;
  Result<std::vector<Tensor>> run(const Served& served, const InferRequest& request, PredictionFacts& facts) const;
  Result<void> record(const Served& served, const PredictionFacts& facts, const InferRequest& request,
                      std::span<const Tensor> outputs);

  using Map = std::map<std::string, ServedPtr, std::less<>>;
  const DataPlaneOptions options_;
  const bool strict_;
  engine::Engines& engines_;
  Context& context_;
  std::unique_ptr<Runtime> runtime_;
  std::atomic<size_t> under_way_{0};
  std::atomic<uint64_t> turned_away_{0};

  mutable std::mutex mutex_;  // guards the fields below; held for a copy of a pointer
  std::shared_ptr<const Map> map_;
  std::map<std::string, std::string> failing_;  // deployment -> why its newest snapshot is not served
  std::map<std::string, std::shared_ptr<Place>> places_;
  std::mutex load_mutex_;  // one load at a time, in order
  std::mutex seal_mutex_;
};

}  // namespace millrace::serve
