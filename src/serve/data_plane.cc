#include "serve/data_plane.h"

#include <filesystem>

#include <fmt/format.h>

#include "core/files.h"
#include "core/hash.h"
#include "core/ids.h"
#include "registry/release_snapshot.h"
#include "serve/json_fit.h"
#include "serve/onnx/runtime.h"

namespace millrace::serve {
namespace fs = std::filesystem;
namespace {

Result<std::string> read_model(const std::string& path) { return read_file(path, limits::model_bytes); }

// Counts a request for as long as it is under way.
class Admission {
 public:
  Admission(std::atomic<size_t>& count, size_t limit) : count_(count), granted_(count.fetch_add(1) < limit) {}
  ~Admission() { count_.fetch_sub(1); }
  bool granted() const { return granted_; }

 private:
  std::atomic<size_t>& count_;
  bool granted_;
};

}  // namespace

DataPlane::DataPlane(DataPlaneOptions options, engine::Engines& engines, Context& context)
    : options_(std::move(options)),
      strict_(options_.log_sync == "strict" && !options_.log_folder.empty()),
      engines_(engines),
      context_(context),
      runtime_(make_onnx_runtime(options_.library.empty() ? library_folder() + "/libonnxruntime.so" : options_.library,
                                 context.log)),
      map_(std::make_shared<Map>()) {}

DataPlane::~DataPlane() = default;

Result<std::unique_ptr<DataPlane>> DataPlane::open(DataPlaneOptions options, engine::Engines& engines,
                                                   Context& context) {
  if (options.log_sync != "50ms" && options.log_sync != "strict")
    return Error{Code::invalid, fmt::format("the prediction log cannot be synced by '{}'", options.log_sync)}
        .at_field("--log-sync")
        .hint("50ms or strict");
  std::unique_ptr<DataPlane> plane(new DataPlane(std::move(options), engines, context));
  MILLRACE_DO(plane->load_files());
  MILLRACE_DO(plane->load_releases());
  return plane;
}

Result<void> DataPlane::load_files() {
  for (const auto& [name, file] : options_.models) {
    if (!is_name(name))
      return Error{Code::invalid, fmt::format("'{}' cannot be a model's name", name)}.at_field("--model").hint(
          "letters, digits, '_', '.' and '-'");
    if (map_->contains(name))
      return Error{Code::invalid, fmt::format("the model '{}' is given twice", name)}.at_field("--model");
    MILLRACE_TRY(const auto bytes, read_model(file));
    Arm arm{.deployment = name,
            .workspace = "default",
            .name = "stable",
            .model = name,
            .version = 1,
            .digest = digest_of(bytes)};
    MILLRACE_TRY(auto served, build(std::move(arm), bytes, file, options_.contract));
    publish(name, std::move(served));
  }
  return {};
}

Result<void> DataPlane::load_releases() {
  if (options_.serving_folder.empty() || !exists(options_.serving_folder)) return {};
  std::error_code error;
  for (fs::directory_iterator at(options_.serving_folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    if (!is_name(name) || !exists(at->path().string() + "/current.json")) continue;
    if (auto loaded = reload(name); !loaded)
      context_.log.error("release_not_served", {{"deployment", name}, {"error", loaded.error().text()}});
  }
  if (error) return file_error("cannot list the releases", options_.serving_folder, error.value());
  return {};
}

Result<std::shared_ptr<Place>> DataPlane::place_of(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = places_.find(name); known != places_.end()) return known->second;
  }
  auto place = std::make_shared<Place>();
  place->name = name;
  if (!options_.log_folder.empty()) {
    MILLRACE_TRY(place->log,
                 PredictionLog::open({.folder = options_.log_folder + "/" + name, .strict = strict_}, context_));
  }
  const std::lock_guard lock(mutex_);
  return places_.emplace(name, std::move(place)).first->second;
}

Result<ServedPtr> DataPlane::build(Arm arm, const std::string& bytes, const std::string& file,
                                   const std::string& contract) {
  auto served = std::make_shared<Served>();
  MILLRACE_TRY(served->model, runtime_->load(bytes, file));
  if (!contract.empty()) {
    MILLRACE_TRY(served->guard, load_guard(contract, served->model->inputs()));
  }
  MILLRACE_TRY(served->place, place_of(arm.deployment));
  arm.inputs = served->model->inputs();
  arm.outputs = served->model->outputs();
  served->version = std::to_string(arm.version);
  served->release = arm.release_node();
  served->statistics = served->place->statistics.of(served->version);
  served->key = ArmKey::of(arm);
  served->arm = std::move(arm);
  return ServedPtr(std::move(served));
}

Result<ServedPtr> DataPlane::load_release(const std::string& deployment) {
  if (options_.serving_folder.empty()) return Error{Code::not_found, "this server has no releases"};
  const std::string folder = options_.serving_folder + "/" + deployment;
  MILLRACE_TRY(const auto snapshot, registry::load_snapshot(folder + "/current.json"));
  if (snapshot.deployment != deployment)
    return Error{Code::corrupt,
                 fmt::format("the snapshot of '{}' lies in the folder of '{}'", snapshot.deployment, deployment)}
        .at({.file = folder});
  if (snapshot.canary || !snapshot.shadows.empty())
    return Error{Code::unsupported, "this release has a canary or shadows, which this version does not serve"}
        .at({.file = folder})
        .hint("release with a stable arm only");
  const auto& stable = snapshot.stable;
  const std::string file = folder + "/" + stable.file;
  MILLRACE_TRY(const auto bytes, read_model(file));
  if (digest_of(bytes) != stable.digest)
    return Error{Code::corrupt, fmt::format("the model file is not the released one ({})", stable.digest)}
        .at({.file = file})
        .hint("release again: the registry writes the file anew");
  Arm arm{.deployment = deployment,
          .workspace = snapshot.workspace,
          .release = snapshot.release,
          .name = "stable",
          .model = stable.model,
          .version = stable.version,
          .digest = stable.digest};
  return build(std::move(arm), bytes, file, stable.contract.empty() ? "" : folder + "/" + stable.contract);
}

Result<void> DataPlane::reload(const std::string& deployment) {
  const std::lock_guard one_at_a_time(load_mutex_);
  auto served = load_release(deployment);
  if (!served) {
    const std::lock_guard lock(mutex_);
    failing_[deployment] = served.error().text();
    return std::move(served).error().while_doing(fmt::format("loading the release of '{}'", deployment));
  }
  context_.log.info("release_served", {{"deployment", deployment},
                                       {"release", (*served)->release},
                                       {"model", (*served)->arm.model},
                                       {"version", (*served)->arm.version}});
  publish(deployment, std::move(*served));
  return {};
}

void DataPlane::publish(const std::string& name, ServedPtr served) {
  const std::lock_guard lock(mutex_);
  auto next = std::make_shared<Map>(*map_);
  (*next)[name] = std::move(served);
  map_ = std::move(next);
  failing_.erase(name);
}

Result<ServedPtr> DataPlane::find(std::string_view name, std::string_view version) const {
  std::shared_ptr<const Map> map;
  {
    const std::lock_guard lock(mutex_);
    map = map_;
  }
  const auto found = map->find(name);
  if (found == map->end()) {
    std::string names;
    for (const auto& [known, unused] : *map) names += (names.empty() ? "" : ", ") + known;
    return Error{Code::not_found, fmt::format("there is no model '{}'", name.substr(0, 100))}.hint(
        names.empty() ? "no model is served" : "served: " + names);
  }
  if (!version.empty() && version != found->second->version)
    return Error{Code::not_found, fmt::format("the model '{}' has no version '{}'", name, version.substr(0, 100))}.hint(
        "served: " + found->second->version);
  return found->second;
}

std::vector<ServedPtr> DataPlane::served() const {
  const std::lock_guard lock(mutex_);
  std::vector<ServedPtr> out;
  for (const auto& [name, each] : *map_) out.push_back(each);
  return out;
}

std::vector<ModelState> DataPlane::models() const {
  const std::lock_guard lock(mutex_);
  std::vector<ModelState> out;
  for (const auto& [name, each] : *map_)
    out.push_back({.name = name, .version = each->version, .ready = true, .reason = ""});
  for (const auto& [name, reason] : failing_)
    if (!map_->contains(name)) out.push_back({.name = name, .version = "", .ready = false, .reason = reason});
  return out;
}

bool DataPlane::ready() const {
  for (const auto& model : models())
    if (!model.ready) return false;
  return true;
}

Result<void> DataPlane::record(const Served& served, const PredictionFacts& facts, const InferRequest& request,
                               std::span<const Tensor> outputs) {
  if (!served.place->log) return {};
  const Micros began = context_.clock.steady();
  auto done =
      served.place->log->append(served.key, encode(served.key.key, facts, request.inputs, request.wanted, outputs));
  served.statistics->log_us += static_cast<uint64_t>(context_.clock.steady() - began);
  return done;
}

// On an error, `facts` get the field and rule of it.
Result<std::vector<Tensor>> DataPlane::run(const Served& served, const InferRequest& request,
                                           PredictionFacts& facts) const {
  const Micros began = context_.clock.steady();
  auto outputs = served.model->run(request.inputs, request.wanted);
  served.statistics->infer_us += static_cast<uint64_t>(context_.clock.steady() - began);
  if (!outputs) facts.rule = "model";
  if (!outputs || !request.json_answer) return outputs;
  for (size_t i = 0; i < outputs->size(); ++i) {
    if (fits_json((*outputs)[i])) continue;
    facts.field = served.arm.outputs[request.wanted[i]].name;
    facts.rule = "json";
    return Error{
        Code::rejected,
        fmt::format("the output '{}' holds what JSON cannot carry (NaN, an infinity, or text that is not UTF-8)",
                    facts.field)}
        .at_field(facts.field)
        .hint("ask for binary outputs, or change the inputs");
  }
  return outputs;
}

Result<InferReply> DataPlane::infer(const Served& served, const InferRequest& request) {
  const Admission admission(under_way_, options_.queue);
  if (!admission.granted()) {
    ++turned_away_;
    return Error{Code::unavailable, fmt::format("{} requests are under way, which is the limit", options_.queue)}.hint(
        "try again in a second");
  }
  auto& statistics = *served.statistics;
  const Micros began = context_.clock.steady();
  auto reply = answer(served, request);
  statistics.request_us += static_cast<uint64_t>(context_.clock.steady() - began);
  ++(reply && !reply->refusal ? statistics.success : statistics.failure);
  return reply;
}

Result<InferReply> DataPlane::answer(const Served& served, const InferRequest& request) {
  PredictionFacts facts{.id = context_.uuid(),
                        .arrived_at = context_.now(),
                        .unit = request.unit,
                        .input = request.input,
                        .request_id = request.request_id};
  facts.event_time = request.event_time != 0 ? request.event_time : facts.arrived_at;
  InferReply reply{.prediction_id = facts.id};

  reply.refusal = guard(served, request, facts);
  if (reply.refusal) {
    MILLRACE_DO(record(served, facts, request, {}));
    return reply;
  }
  auto outputs = run(served, request, facts);
  if (!outputs) {
    facts.outcome = Outcome::failed;
    MILLRACE_DO(record(served, facts, request, {}));
    return std::move(outputs).error();
  }
  MILLRACE_DO(record(served, facts, request, *outputs));
  ++served.statistics->executions;
  served.statistics->rows += request.inputs[0].shape.rank() > 0 ? static_cast<uint64_t>(request.inputs[0].shape[0]) : 1;
  served.statistics->last_inference = facts.arrived_at;
  reply.outputs = std::move(*outputs);
  return reply;
}

std::optional<Refusal> DataPlane::guard(const Served& served, const InferRequest& request,
                                        PredictionFacts& facts) const {
  if (!served.guard) return std::nullopt;
  const Micros began = context_.clock.steady();
  auto refusal = served.guard->check(request.inputs);
  served.statistics->guard_us += static_cast<uint64_t>(context_.clock.steady() - began);
  if (!refusal) return std::nullopt;
  facts.outcome = Outcome::refused;
  facts.field = refusal->field;
  facts.rule = refusal->rule;
  served.statistics->refuse(facts.field, facts.rule);
  return refusal;
}

}  // namespace millrace::serve
