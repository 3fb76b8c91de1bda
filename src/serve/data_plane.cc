#include "serve/data_plane.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "core/files.h"
#include "serve/json_fit.h"
#include "serve/judge/judge.h"
#include "serve/together.h"

namespace millrace::serve {
namespace {

process::ProcessOptions processes_of(const DataPlaneOptions& options) {
  auto out = options.processes;
  out.runtime = {.folder = library_folder(),
                 .onnxruntime = options.library.empty() ? library_folder() + "/libonnxruntime.so" : options.library,
                 .choice = options.runtime,
                 .batching = options.batching};
  return out;
}

}  // namespace

DataPlane::DataPlane(DataPlaneOptions options, engine::Engines& engines, Context& context)
    : options_(std::move(options)),
      strict_(options_.log_sync == "strict" && !options_.log_folder.empty()),
      engines_(engines),
      context_(context),
      loader_(std::make_unique<process::Loader>(processes_of(options_), options_.notes_folder, context)),
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
  if (auto known = read_batching(options.batching); !known) return std::move(known).error().at_field("--batching");
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
    if (const std::lock_guard lock(mutex_); unloaded_.contains(std::string(name)))
      return Error{Code::not_found, fmt::format("the model '{}' is not loaded", name)}.hint(
          fmt::format("POST /v2/repository/models/{}/load", name));
    std::string names;
    for (const auto& [known, unused] : *map) names += (names.empty() ? "" : ", ") + known;
    return Error{Code::not_found, fmt::format("there is no model '{}'", name.substr(0, 100))}.hint(
        names.empty() ? "no model is served" : "served: " + names);
  }
  const auto& served = found->second;
  if (version.empty()) return Target{.served = served, .arm = &served->stable};
  if (version == served->stable.version) return Target{.served = served, .arm = &served->stable, .pinned = true};
  const ServedArm* canary = served->canary_in();
  if (canary != nullptr && version == canary->version) return Target{.served = served, .arm = canary, .pinned = true};
  return Error{Code::not_found, fmt::format("the model '{}' has no version '{}'", name, version.substr(0, 100))}.hint(
      "served: " + served->stable.version + (canary != nullptr ? ", " + canary->version : ""));
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
  for (const auto& name : unloaded_)
    out.push_back({.name = name, .version = "1", .ready = false, .reason = "unloaded", .wanted = false});
  return out;
}

bool DataPlane::ready() const {
  for (const auto& model : models())
    if (!model.ready && model.wanted) return false;
  return true;
}

namespace {

// While a canary is judged each request has its own time: in a shared call an arm's latency would go by its traffic.
bool may_share(const Served& served, const ServedArm& arm) {
  return served.judge == nullptr && arm.model().shares_calls();
}

}  // namespace

// One arm's work on one request.
struct DataPlane::Attempt {
  Place& place;
  const ServedArm& arm;
  const InferRequest& request;
  PredictionFacts facts;
  Micros began;  // steady
  RunTimes times = {};
  std::vector<Tensor> clamped = {};  // what the model gets in place of the request's inputs; empty: those
  Failure failure = Failure::other;  // why, once it has failed
  std::vector<size_t> more = {};     // the outputs asked for, and those that rules of review need; empty: the former
  size_t flagged = 0;                // values that broke the contract
  std::optional<Refusal> refusal = {};
  size_t call_rows = 0;  // of the model's call that is counted as this attempt's; 0: it ran in another's

  // Both before their model ran.
  bool may_share_with(const Attempt& other) const {
    return arm.loaded->model == other.arm.loaded->model && std::ranges::equal(wanted(), other.wanted()) &&
           fits_beside(inputs(), other.inputs());
  }
  std::span<const size_t> wanted() const { return more.empty() ? request.wanted : more; }
  std::span<const Tensor> inputs() const { return clamped.empty() ? request.inputs : clamped; }
};

namespace {

uint64_t micros_since(const Context& context, Micros began) {
  return static_cast<uint64_t>(std::max<Micros>(0, context.clock.steady() - began));
}

// A model that no gate gave a threshold chooses from one half on, as windows count it.
constexpr double kHalf = 0.5;

void count_scores(const ServedArm& arm, const InferRequest& request, std::span<const Tensor> outputs) {
  if (arm.score)
    arm.statistics->scores.add(sum_scores(*arm.score, request.wanted, outputs, arm.threshold.value_or(kHalf)));
}

size_t rows_of(const InferRequest& request) {
  const Shape& shape = request.inputs[0].shape;
  return shape.rank() > 0 ? static_cast<size_t>(shape[0]) : 1;
}

// Those asked for first, then what else is needed; empty when that is nothing.
std::vector<size_t> with_needs(const std::vector<size_t>& wanted, const std::vector<size_t>& needs) {
  std::vector<size_t> out = wanted;
  for (const size_t need : needs)
    if (std::find(out.begin(), out.end(), need) == out.end()) out.push_back(need);
  if (out.size() == wanted.size()) out.clear();
  return out;
}

}  // namespace

Result<void> DataPlane::record(Attempt& it, std::span<const Tensor> outputs) {
  const Micros began = context_.clock.steady();
  it.facts.duration_us = began - it.began;
  if (!it.place.log) return {};
  auto done =
      it.place.log->append(it.arm.key, encode(it.arm.key.key, it.facts, it.request.inputs, it.wanted(), outputs));
  it.times.log_us = micros_since(context_, began);
  return done;
}

// Sets the refusal when the contract says no.
void DataPlane::guard(Attempt& it) const {
  if (!it.arm.loaded->guard) return;
  const Micros began = context_.clock.steady();
  auto verdict = it.arm.loaded->guard->judge(it.request.inputs, it.arm.guard_mode);
  it.times.guard_us = micros_since(context_, began);
  for (const auto& flag : verdict.flags) it.arm.statistics->flag(flag.field, flag.rule);
  it.facts.flags = std::move(verdict.flags);
  it.clamped = std::move(verdict.inputs);
  it.flagged = verdict.flagged;
  it.refusal = std::move(verdict.refusal);
  if (!it.refusal) return;
  it.facts.outcome = Outcome::refused;
  it.facts.field = it.refusal->field;
  it.facts.rule = it.refusal->rule;
  it.arm.statistics->refuse(it.facts.field, it.facts.rule);
}

Result<std::vector<Tensor>> DataPlane::run(Attempt& it) const {
  const Micros began = context_.clock.steady();
  auto outputs = it.arm.model().run(it.inputs(), it.wanted());
  it.times.infer_us = micros_since(context_, began);
  it.call_rows = rows_of(it.request);
  if (!outputs) it.facts.rule = "model", it.failure = Failure::backend;
  return outputs;
}

// A request that waits for its model beside others.
struct DataPlane::Waiting {
  const AskedPrediction& asked;
  std::optional<Seat> seat = {};
  std::optional<Error> turned_away = {};
  std::optional<Attempt> attempt = {};
  std::optional<Result<std::vector<Tensor>>> outputs = {};
};

// One call for all of them. When it fails, each runs alone: only what is at fault fails then.
void DataPlane::run_shared(std::span<Waiting*> waiting) const {
  std::vector<std::span<const Tensor>> requests;
  std::vector<size_t> rows;
  for (const auto* each : waiting) {
    requests.push_back(each->attempt->inputs());
    rows.push_back(rows_in(requests.back()));
  }
  const auto& first = *waiting.front()->attempt;
  const Micros began = context_.clock.steady();
  auto all = first.arm.model().run(join_rows(requests), first.wanted());
  auto parts = all ? split_rows(*all, rows) : Result<std::vector<std::vector<Tensor>>>(std::move(all).error());
  const uint64_t took = micros_since(context_, began);
  for (size_t i = 0; i < waiting.size(); ++i) {
    auto& it = *waiting[i]->attempt;
    if (!parts) {
      waiting[i]->outputs = run(it);
      continue;
    }
    it.times.infer_us = took;
    if (i == 0) it.call_rows = std::accumulate(rows.begin(), rows.end(), size_t{0});
    waiting[i]->outputs = std::move((*parts)[i]);
  }
}

// What goes out as JSON must be able to. On an error the facts get the field and rule of it.
Result<void> DataPlane::check_outputs(Attempt& it, std::span<const Tensor> outputs) const {
  if (!it.request.json_answer) return {};
  for (size_t i = 0; i < it.request.wanted.size(); ++i) {
    if (fits_json(outputs[i])) continue;
    it.facts.field = it.arm.arm.outputs[it.request.wanted[i]].name;
    it.facts.rule = "json";
    return Error{
        Code::rejected,
        fmt::format("the output '{}' holds what JSON cannot carry (NaN, an infinity, or text that is not UTF-8)",
                    it.facts.field)}
        .at_field(it.facts.field)
        .hint("ask for binary outputs, or change the inputs");
  }
  return {};
}

// After the guard, and the model where the guard lets it: the record. No outputs when the contract said no.
Result<std::vector<Tensor>> DataPlane::conclude(Attempt& it, Result<std::vector<Tensor>> outputs) {
  if (it.refusal) {
    MILLRACE_DO(record(it, {}));
    return std::vector<Tensor>();
  }
  if (outputs)
    if (auto fits = check_outputs(it, *outputs); !fits) outputs = std::move(fits).error();
  if (!outputs) {
    it.facts.outcome = Outcome::failed;
    MILLRACE_DO(record(it, {}));
    return outputs;
  }
  it.facts.held = find_case(it, *outputs);
  MILLRACE_DO(record(it, *outputs));
  return outputs;
}

std::optional<Case> DataPlane::find_case(const Attempt& it, std::span<const Tensor> outputs) const {
  if (!it.arm.cases) return std::nullopt;
  return it.arm.cases->find({.inputs = it.request.inputs,
                             .wanted = it.wanted(),
                             .outputs = outputs,
                             .flags = it.facts.flags,
                             .flagged = it.flagged,
                             .unit = it.facts.unit,
                             .prediction_id = it.facts.id});
}

// Once an attempt is over.
void DataPlane::count(const Attempt& it, bool good) const {
  auto& statistics = *it.arm.statistics;
  const uint64_t took = micros_since(context_, it.began);
  statistics.request_us += took;
  statistics.guard_us += it.times.guard_us;
  statistics.infer_us += it.times.infer_us;
  statistics.log_us += it.times.log_us;
  statistics.latency.add(took, it.began);
  if (!good) return statistics.fail(it.failure, took);
  ++statistics.success;
  statistics.rows += rows_of(it.request);
  if (it.call_rows > 0) {
    ++statistics.executions;
    statistics.batches.add(it.call_rows, it.times);
  }
  statistics.last_inference.store(it.facts.arrived_at, std::memory_order_relaxed);
}

Error DataPlane::busy(Statistics* statistics) {
  ++turned_away_;
  if (statistics != nullptr) statistics->fail(Failure::rejected);
  return Error{Code::unavailable, fmt::format("{} requests are under way, which is the limit", options_.queue)}.hint(
      "try again in a second");
}

Result<Seat> DataPlane::take_seat(std::string_view model) {
  const bool free = under_way_.fetch_add(1) < options_.queue;
  Seat seat(under_way_);
  if (free) return seat;
  const auto target = find(model, "");
  return busy(target ? target->arm->statistics.get() : nullptr);
}

Result<void> DataPlane::admit(const Target& target, const InferRequest& request, std::optional<Seat>& seat) {
  if (!request.admitted) {
    const bool free = under_way_.fetch_add(1) < options_.queue;
    seat.emplace(under_way_);
    if (!free) return busy(target.arm->statistics.get());
  }
  const Micros now = context_.clock.steady(), arrived = request.arrived > 0 ? request.arrived : now;
  target.arm->statistics->queue_us += static_cast<uint64_t>(std::max<Micros>(0, now - arrived));
  if (request.timeout > 0 && now - arrived > request.timeout) {
    ++late_;
    target.arm->statistics->fail(Failure::rejected);
    return Error{Code::unavailable,
                 fmt::format("the request waited {} microseconds, its timeout is {}", now - arrived, request.timeout)}
        .at_field("parameters.timeout")
        .hint("try again, or give it more time");
  }
  return {};
}

Result<InferReply> DataPlane::infer(const Target& target, const InferRequest& request) {
  std::optional<Seat> seat;
  MILLRACE_DO(admit(target, request, seat));
  auto it = begin(target, request);
  guard(it);
  return finish(target, it, it.refusal ? std::vector<Tensor>() : run(it));
}

bool DataPlane::shares_calls(std::string_view model) const {
  const auto target = find(model, "");
  return target && may_share(*target->served, *target->arm);
}

std::vector<Result<InferReply>> DataPlane::infer_together(std::span<const AskedPrediction> asked) {
  std::vector<Waiting> all;
  all.reserve(asked.size());  // attempts are pointed at
  std::vector<Waiting*> left, group, rest;
  for (const auto& each : asked) {
    auto& waiting = all.emplace_back(Waiting{each});
    if (auto admitted = admit(each.target, *each.request, waiting.seat); !admitted) {
      waiting.turned_away = std::move(admitted).error();
      continue;
    }
    waiting.attempt.emplace(begin(each.target, *each.request));
    guard(*waiting.attempt);
    if (waiting.attempt->refusal)
      waiting.outputs = std::vector<Tensor>();
    else
      left.push_back(&waiting);
  }
  while (!left.empty()) {
    const auto& first = *left.front()->attempt;
    CallRoom room;
    group.clear();
    rest.clear();
    for (auto* each : left) {
      const bool joins = group.empty() || (may_share(*left.front()->asked.target.served, first.arm) &&
                                           first.may_share_with(*each->attempt));
      (joins && room.take(each->attempt->inputs()) ? group : rest).push_back(each);
    }
    if (group.size() == 1)
      group.front()->outputs = run(*group.front()->attempt);
    else
      run_shared(group);
    left.swap(rest);
  }
  std::vector<Result<InferReply>> out;
  for (auto& each : all) {
    if (each.turned_away)
      out.emplace_back(std::move(*each.turned_away));
    else
      out.push_back(finish(each.asked.target, *each.attempt, std::move(*each.outputs)));
  }
  return out;
}

DataPlane::Attempt DataPlane::begin(const Target& target, const InferRequest& request) const {
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
  if (arm.cases) it.more = with_needs(request.wanted, arm.cases->needs());
  return it;
}

Result<InferReply> DataPlane::finish(const Target& target, Attempt& it, Result<std::vector<Tensor>> ran) {
  const auto& served = *target.served;
  const auto& request = it.request;
  const ServedArm& arm = it.arm;
  auto outputs = conclude(it, std::move(ran));
  count(it, outputs && !it.refusal);
  if (outputs) count_scores(arm, request, *outputs);
  if (served.judge) judge(target, it, outputs);
  if (!outputs) return std::move(outputs).error();
  InferReply reply{.prediction_id = it.facts.id, .arm = &arm, .refusal = std::move(it.refusal)};
  if (!reply.refusal) shadows_->offer(target.served, request, it.facts);
  reply.flags = std::move(it.facts.flags);
  reply.held = std::move(it.facts.held);
  if (reply.held) {
    ++served.place->cases;
    if (on_case) on_case(served.place->name);
    return reply;
  }
  reply.outputs = std::move(*outputs);
  if (!reply.outputs.empty()) reply.outputs.resize(request.wanted.size());  // what only rules needed stays here
  return reply;
}

// Only who was assigned by chance is compared: not who named a version, nor who has no unit.
void DataPlane::judge(const Target& target, const Attempt& it, const Result<std::vector<Tensor>>& outputs) const {
  const auto& served = *target.served;
  if (target.pinned || it.facts.unit.empty()) return;
  // What could not be logged was not answered, and is no fault of an arm.
  if (!outputs && it.facts.outcome != Outcome::failed) return;
  Observation seen{.canary = &it.arm != &served.stable,
                   .outcome = it.facts.outcome,
                   .duration_us = static_cast<float>(it.facts.duration_us),
                   .prediction = short_id(it.facts.id)};
  if (served.judge->policy().units) seen.unit = std::hash<std::string>{}(it.facts.unit);
  if (outputs && it.facts.outcome == Outcome::answered && served.score)
    read_scores(*served.score, it.wanted(), *outputs, seen);
  if (served.judge->see(seen, context_.now())) take_out(served);
}

bool DataPlane::answer_shadow(const ServedArm& shadow, const ShadowCopy& copy) {
  const Micros began = context_.clock.steady();
  Attempt it{*copy.served->place, shadow, copy.request, copy.facts, began};
  it.facts.flags.clear();
  it.facts.held.reset();
  guard(it);
  const auto outputs = conclude(it, it.refusal ? std::vector<Tensor>() : run(it));
  const bool good = outputs && !it.refusal;
  count(it, good);
  if (good) count_scores(shadow, copy.request, *outputs);
  return good;
}

}  // namespace millrace::serve
