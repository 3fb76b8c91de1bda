#include "serve/data_plane.h"

#include <fmt/format.h>

#include "core/files.h"
#include "serve/json_fit.h"
#include "serve/runtimes.h"

namespace millrace::serve {
namespace {

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
      runtime_(make_runtimes(
          {.folder = library_folder(),
           .onnxruntime = options_.library.empty() ? library_folder() + "/libonnxruntime.so" : options_.library,
           .choice = options_.runtime},
          context.clock, context.log)),
      map_(std::make_shared<Map>()),
      shadows_(std::make_unique<ShadowQueue>(
          [this](const ServedArm& shadow, const ShadowCopy& copy) { return answer_shadow(shadow, copy); })) {}

DataPlane::~DataPlane() = default;

Result<std::unique_ptr<DataPlane>> DataPlane::open(DataPlaneOptions options, engine::Engines& engines,
                                                   Context& context) {
  if (options.log_sync != "50ms" && options.log_sync != "strict")
    return Error{Code::invalid, fmt::format("the prediction log cannot be synced by '{}'", options.log_sync)}
        .at_field("--log-sync")
        .hint("50ms or strict");
  if (auto known = check_choice(options.runtime); !known) return std::move(known).error().at_field("--runtime");
  std::unique_ptr<DataPlane> plane(new DataPlane(std::move(options), engines, context));
  MILLRACE_DO(plane->load_files());
  MILLRACE_DO(plane->load_releases());
  return plane;
}

Result<Target> DataPlane::find(std::string_view name, std::string_view version) const {
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
  const auto& served = found->second;
  if (version.empty()) return Target{.served = served, .arm = &served->stable};
  if (version == served->stable.version) return Target{.served = served, .arm = &served->stable, .pinned = true};
  if (served->canary && version == served->canary->version)
    return Target{.served = served, .arm = &*served->canary, .pinned = true};
  return Error{Code::not_found, fmt::format("the model '{}' has no version '{}'", name, version.substr(0, 100))}.hint(
      "served: " + served->stable.version + (served->canary ? ", " + served->canary->version : ""));
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
    out.push_back({.name = name, .version = each->stable.version, .ready = true, .reason = ""});
  for (const auto& [name, reason] : failing_)
    if (!map_->contains(name)) out.push_back({.name = name, .version = "", .ready = false, .reason = reason});
  return out;
}

bool DataPlane::ready() const {
  for (const auto& model : models())
    if (!model.ready) return false;
  return true;
}

// One arm's work on one request.
struct DataPlane::Attempt {
  Place& place;
  const ServedArm& arm;
  const InferRequest& request;
  PredictionFacts facts;
  Micros began;  // steady
};

Result<void> DataPlane::record(Attempt& it, std::span<const Tensor> outputs) {
  const Micros began = context_.clock.steady();
  it.facts.duration_us = began - it.began;
  if (!it.place.log) return {};
  auto done =
      it.place.log->append(it.arm.key, encode(it.arm.key.key, it.facts, it.request.inputs, it.request.wanted, outputs));
  it.arm.statistics->log_us += static_cast<uint64_t>(context_.clock.steady() - began);
  return done;
}

std::optional<Refusal> DataPlane::guard(Attempt& it) const {
  if (!it.arm.loaded->guard) return std::nullopt;
  const Micros began = context_.clock.steady();
  auto refusal = it.arm.loaded->guard->check(it.request.inputs);
  it.arm.statistics->guard_us += static_cast<uint64_t>(context_.clock.steady() - began);
  if (!refusal) return std::nullopt;
  it.facts.outcome = Outcome::refused;
  it.facts.field = refusal->field;
  it.facts.rule = refusal->rule;
  it.arm.statistics->refuse(it.facts.field, it.facts.rule);
  return refusal;
}

// On an error, the facts get the field and rule of it.
Result<std::vector<Tensor>> DataPlane::run(Attempt& it) const {
  const Micros began = context_.clock.steady();
  auto outputs = it.arm.model().run(it.request.inputs, it.request.wanted);
  it.arm.statistics->infer_us += static_cast<uint64_t>(context_.clock.steady() - began);
  if (!outputs) it.facts.rule = "model";
  if (!outputs || !it.request.json_answer) return outputs;
  for (size_t i = 0; i < outputs->size(); ++i) {
    if (fits_json((*outputs)[i])) continue;
    it.facts.field = it.arm.arm.outputs[it.request.wanted[i]].name;
    it.facts.rule = "json";
    return Error{
        Code::rejected,
        fmt::format("the output '{}' holds what JSON cannot carry (NaN, an infinity, or text that is not UTF-8)",
                    it.facts.field)}
        .at_field(it.facts.field)
        .hint("ask for binary outputs, or change the inputs");
  }
  return outputs;
}

// Guard, model, log. No outputs and a refusal when the contract says no.
Result<std::vector<Tensor>> DataPlane::attempt(Attempt& it, std::optional<Refusal>& refusal) {
  refusal = guard(it);
  if (refusal) {
    MILLRACE_DO(record(it, {}));
    return std::vector<Tensor>();
  }
  auto outputs = run(it);
  if (!outputs) {
    it.facts.outcome = Outcome::failed;
    MILLRACE_DO(record(it, {}));
    return outputs;
  }
  MILLRACE_DO(record(it, *outputs));
  auto& statistics = *it.arm.statistics;
  ++statistics.executions;
  statistics.rows += it.request.inputs[0].shape.rank() > 0 ? static_cast<uint64_t>(it.request.inputs[0].shape[0]) : 1;
  statistics.last_inference = it.facts.arrived_at;
  return outputs;
}

Result<InferReply> DataPlane::infer(const Target& target, const InferRequest& request) {
  const Admission admission(under_way_, options_.queue);
  if (!admission.granted()) {
    ++turned_away_;
    return Error{Code::unavailable, fmt::format("{} requests are under way, which is the limit", options_.queue)}.hint(
        "try again in a second");
  }
  return answer(target, request);
}

Result<InferReply> DataPlane::answer(const Target& target, const InferRequest& request) {
  const Micros began = context_.clock.steady();
  const auto& served = *target.served;
  PredictionFacts facts{.id = context_.uuid(),
                        .arrived_at = context_.now(),
                        .unit = served.unit_of(request.unit, request.inputs),
                        .input = request.input,
                        .request_id = request.request_id};
  facts.event_time = request.event_time != 0 ? request.event_time : facts.arrived_at;
  const ServedArm& arm = target.pinned ? *target.arm : served.arm_of(facts.unit);
  Attempt it{*served.place, arm, request, std::move(facts), began};
  InferReply reply{.prediction_id = it.facts.id, .arm = &arm};
  auto outputs = attempt(it, reply.refusal);
  arm.statistics->request_us += static_cast<uint64_t>(context_.clock.steady() - began);
  ++(outputs && !reply.refusal ? arm.statistics->success : arm.statistics->failure);
  if (!outputs) return std::move(outputs).error();
  if (!reply.refusal) shadows_->offer(target.served, request, it.facts);
  reply.outputs = std::move(*outputs);
  return reply;
}

bool DataPlane::answer_shadow(const ServedArm& shadow, const ShadowCopy& copy) {
  const Micros began = context_.clock.steady();
  Attempt it{*copy.served->place, shadow, copy.request, copy.facts, began};
  std::optional<Refusal> refusal;
  const auto outputs = attempt(it, refusal);
  const bool good = outputs && !refusal;
  shadow.statistics->request_us += static_cast<uint64_t>(context_.clock.steady() - began);
  ++(good ? shadow.statistics->success : shadow.statistics->failure);
  return good;
}

}  // namespace millrace::serve
