// How a deployment's arms come into memory: from a release's snapshot, or from files given on the command line.
#include <malloc.h>

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "core/files.h"
#include "core/hash.h"
#include "core/ids.h"
#include "registry/signing/signatures.h"
#include "serve/data_plane.h"

namespace millrace::serve {
namespace fs = std::filesystem;
namespace {

using registry::ReleasedModel;
using registry::ReleaseSnapshot;

Arm arm_of(const ReleaseSnapshot& snapshot, const ReleasedModel& model, std::string_view name) {
  return {.deployment = snapshot.deployment,
          .workspace = snapshot.workspace,
          .release = snapshot.release,
          .name = std::string(name),
          .model = model.model,
          .version = model.version,
          .digest = model.digest};
}

std::optional<size_t> input_called(const std::string& name, const std::vector<TensorSpec>& inputs) {
  for (size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].name == name) return i;
  return std::nullopt;
}

bool in_use(const LoadedPtr& loaded, const Served* served) {
  if (served == nullptr) return false;
  return loaded == served->stable.loaded || (served->canary && loaded == served->canary->loaded) ||
         std::any_of(served->shadows.begin(), served->shadows.end(),
                     [&](const ServedArm& shadow) { return loaded == shadow.loaded; });
}

}  // namespace

Result<void> DataPlane::load_files() {
  for (const auto& [name, file] : options_.models) {
    if (!is_name(name))
      return Error{Code::invalid, fmt::format("'{}' cannot be a model's name", name)}.at_field("--model").hint(
          "letters, digits, '_', '.' and '-'");
    if (map_->contains(name))
      return Error{Code::invalid, fmt::format("the model '{}' is given twice", name)}.at_field("--model");
    MILLRACE_TRY(auto served, load_file(name, file));
    publish(name, std::move(served));
  }
  return {};
}

Result<ServedPtr> DataPlane::load_file(const std::string& name, const std::string& file) {
  MILLRACE_TRY(const auto digest, digest_of_file(file));
  Arm wanted{.deployment = name,
             .workspace = "default",
             .name = std::string(kStable),
             .model = name,
             .version = 1,
             .digest = digest};
  auto served = std::make_shared<Served>();
  MILLRACE_TRY(served->place, place_of(name));
  MILLRACE_TRY(served->stable,
               arm(*served->place, std::move(wanted), {.file = file, .contract = options_.contract, .digest = digest}));
  served->stable.guard_mode = options_.guard;
  return ServedPtr(std::move(served));
}

Result<std::string> DataPlane::file_of(const std::string& name) const {
  for (const auto& [known, file] : options_.models)
    if (known == name) return file;
  if (now_served(name))
    return Error{Code::conflict, fmt::format("'{}' is served by a release, which requests do not change", name)}.hint(
        fmt::format("millrace release {} ...", name));
  return Error{Code::not_found, fmt::format("there is no model '{}'", name.substr(0, 100))}.hint(
      "models are named when the server starts: millrace serve --model NAME=FILE");
}

Result<void> DataPlane::load_model(const std::string& name) {
  MILLRACE_TRY(const auto file, file_of(name));
  MILLRACE_TRY(const auto place, place_of(name));
  const std::lock_guard one_at_a_time(place->loading);
  auto served = load_file(name, file);
  if (!served) return std::move(served).error().while_doing(fmt::format("loading the model '{}' again", name));
  publish(name, std::move(*served));
  forget_unused(*place);
  context_.log.info("model_loaded", {{"model", name}, {"file", file}});
  return {};
}

Result<void> DataPlane::unload_model(const std::string& name) {
  MILLRACE_TRY(const auto file, file_of(name));
  MILLRACE_TRY(const auto place, place_of(name));
  const std::lock_guard one_at_a_time(place->loading);
  {
    const std::lock_guard lock(mutex_);
    auto next = std::make_shared<Map>(*map_);
    next->erase(name);
    map_ = std::move(next);
    unloaded_.insert(name);
  }
  forget_unused(*place);
  context_.log.info("model_unloaded", {{"model", name}, {"file", file}});
  return {};
}

// Nobody goes back to the former model of a file: its memory is the system's again as soon as no request uses it.
void DataPlane::forget_unused(Place& place) const {
  const auto served = now_served(place.name);
  std::erase_if(place.loaded, [&](const LoadedPtr& loaded) { return !in_use(loaded, served.get()); });
#ifdef __GLIBC__
  ::malloc_trim(0);  // freed pieces between others would stay ours
#endif
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
  const std::lock_guard one_at_a_time(open_mutex_);
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

// In memory already, or from the file; then the newest of the place.
Result<LoadedPtr> DataPlane::load(Place& place, const ModelSource& source) {
  auto& known = place.loaded;
  const auto isolation = options_.isolation_of ? options_.isolation_of(place.name) : process::Isolation::in_process;
  auto fresh = std::make_shared<Loaded>(
      Loaded{.digest = source.digest, .contract = source.contract, .isolation = isolation, .runtime = source.runtime});
  for (auto at = known.begin(); at != known.end(); ++at) {
    if ((*at)->digest != source.digest || (*at)->isolation != isolation || (*at)->runtime != source.runtime) continue;
    if ((*at)->contract == source.contract) {
      std::rotate(known.begin(), at, at + 1);
      return known.front();
    }
    fresh->model = (*at)->model;
  }
  if (!fresh->model) {
    MILLRACE_TRY(const auto bytes, read_file(source.file, limits::model_bytes));
    if (digest_of(bytes) != source.digest)
      return Error{Code::corrupt, fmt::format("the model file is not the released one ({})", source.digest)}
          .at({.file = source.file})
          .hint("release again: the registry writes the file anew");
    MILLRACE_TRY(
        fresh->model,
        loader_->load({.bytes = bytes, .digest = source.digest, .from = source.file, .runtime = source.runtime},
                      isolation));
    ++models_loaded_;
  }
  if (!source.contract.empty()) {
    MILLRACE_TRY(fresh->guard, load_guard(source.contract, fresh->model->inputs(), engines_));
    for (const auto& rule : fresh->guard->left_out())
      context_.log.warn("rule_not_guarded", {{"contract", source.contract}, {"rule", rule}});
  }
  known.insert(known.begin(), std::move(fresh));
  return known.front();
}

Result<ServedArm> DataPlane::arm(Place& place, Arm arm, const ModelSource& source) {
  ServedArm out;
  MILLRACE_TRY(out.loaded, load(place, source));
  if (!source.contract.empty()) {
    MILLRACE_TRY(arm.contract, digest_of_file(source.contract));
  }
  arm.inputs = out.model().inputs();
  arm.outputs = out.model().outputs();
  out.version = std::to_string(arm.version);
  out.release = arm.release_node();
  out.statistics = place.statistics.of({.version = out.version, .arm = arm.name, .model = arm.model});
  out.score = score_output(arm.outputs);
  out.key = ArmKey::of(arm);
  out.arm = std::move(arm);
  return out;
}

// Without `all_arms` those that cannot be served are left out, the stable one excepted.
Result<std::shared_ptr<Served>> DataPlane::assemble(const std::shared_ptr<Place>& place,
                                                    const ReleaseSnapshot& snapshot, bool all_arms) {
  const std::string folder = options_.serving_folder + "/" + snapshot.deployment;
  auto out = std::make_shared<Served>();
  out->place = place;
  const auto load_arm = [&](const ReleasedModel& model, std::string_view name) -> Result<ServedArm> {
    MILLRACE_DO(registry::check_arm_signed(folder, model));
    MILLRACE_TRY(auto loaded, arm(*out->place, arm_of(snapshot, model, name),
                                  {.file = folder + "/" + model.file,
                                   .contract = model.contract.empty() ? "" : folder + "/" + model.contract,
                                   .digest = model.digest,
                                   .runtime = snapshot.runtime}));
    loaded.guard_mode = find_guard_mode(snapshot.guard).value_or(GuardMode::reject);
    loaded.threshold = model.threshold;
    if (name == kShadow) return loaded;  // nobody gets its answers
    MILLRACE_TRY(loaded.cases, compile_cases(snapshot.review,
                                             {.deployment = snapshot.deployment,
                                              .inputs = loaded.arm.inputs,
                                              .outputs = loaded.arm.outputs,
                                              .contract = loaded.loaded->contract,
                                              .guard = loaded.guard_mode,
                                              .threshold = model.threshold,
                                              .salt = snapshot.salt},
                                             engines_));
    return loaded;
  };
  MILLRACE_TRY(out->stable, load_arm(snapshot.stable, kStable));
  const auto beside = [&](const ReleasedModel& model, std::string_view name) -> Result<std::optional<ServedArm>> {
    auto loaded = load_arm(model, name);
    auto fits = loaded ? check_same_requests(out->stable, *loaded) : Result<void>(loaded.error());
    if (fits) return std::optional(std::move(*loaded));
    if (all_arms) return std::move(fits).error();
    context_.log.error("arm_not_served", {{"deployment", snapshot.deployment},
                                          {"arm", std::string(name)},
                                          {"version", model.version},
                                          {"error", fits.error().text()}});
    return std::optional<ServedArm>();
  };
  if (snapshot.canary) {
    MILLRACE_TRY(out->canary, beside(*snapshot.canary, kCanary));
  }
  for (const auto& model : snapshot.shadows) {
    MILLRACE_TRY(auto shadow, beside(model, kShadow));
    if (shadow) out->shadows.push_back(std::move(*shadow));
  }
  out->canary_share = snapshot.canary_share;
  out->salt = snapshot.salt;
  out->unit_header = snapshot.unit_header;
  out->unit_input = input_called(snapshot.unit, out->stable.arm.inputs);
  return out;
}

Result<std::shared_ptr<Served>> DataPlane::load_release(const std::shared_ptr<Place>& place) {
  const std::string folder = options_.serving_folder + "/" + place->name;
  MILLRACE_TRY(const auto snapshot, registry::load_snapshot(folder + "/current.json"));
  if (snapshot.deployment != place->name)
    return Error{Code::corrupt,
                 fmt::format("the snapshot of '{}' lies in the folder of '{}'", snapshot.deployment, place->name)}
        .at({.file = folder});
  MILLRACE_TRY(auto served, assemble(place, snapshot, now_served(place->name) != nullptr));
  join_judge(*served, snapshot);
  return served;
}

// Keeps what is served and the models used last beside it; the others' memory goes when their last request is answered.
void DataPlane::trim(Place& place, const Served* served) const {
  size_t warm = 0;
  std::erase_if(place.loaded,
                [&](const LoadedPtr& loaded) { return !in_use(loaded, served) && ++warm > limits::warm_models; });
}

ServedPtr DataPlane::now_served(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = map_->find(name);
  return found == map_->end() ? nullptr : found->second;
}

Result<LoadedPtr> DataPlane::candidate(const std::string& deployment, const ModelSource& source) {
  MILLRACE_TRY(const auto place, place_of(deployment));
  const std::lock_guard one_at_a_time(place->loading);
  auto loaded = load(*place, source);
  trim(*place, now_served(deployment).get());
  return loaded;
}

Result<void> DataPlane::check(const ReleaseSnapshot& snapshot) {
  MILLRACE_TRY(const auto place, place_of(snapshot.deployment));
  const std::lock_guard one_at_a_time(place->loading);
  MILLRACE_TRY(const auto possible, assemble(place, snapshot, true));
  (void)possible;
  trim(*place, now_served(snapshot.deployment).get());
  return {};
}

Result<void> DataPlane::reload(const std::string& deployment) {
  if (options_.serving_folder.empty()) return Error{Code::not_found, "this server has no releases"};
  const auto refuse = [&](Error error) {
    const std::lock_guard lock(mutex_);
    failing_[deployment] = error.text();
    return std::move(error).while_doing(fmt::format("loading the release of '{}'", deployment));
  };
  auto opened = place_of(deployment);
  if (!opened) return refuse(std::move(opened).error());
  const auto place = std::move(*opened);
  const std::lock_guard one_at_a_time(place->loading);
  auto served = load_release(place);
  if (!served) return refuse(std::move(served).error());
  const auto& stable = (*served)->stable;
  Json fields{{"deployment", deployment},
              {"release", stable.release},
              {"model", stable.arm.model},
              {"version", stable.arm.version}};
  if ((*served)->canary) fields["canary"] = (*served)->canary->arm.version;
  if (!(*served)->shadows.empty()) fields["shadows"] = (*served)->shadows.size();
  context_.log.info("release_served", fields);
  publish(deployment, std::move(*served));
  trim(*place, now_served(deployment).get());
  return {};
}

void DataPlane::publish(const std::string& name, ServedPtr served) {
  const std::lock_guard lock(mutex_);
  auto next = std::make_shared<Map>(*map_);
  (*next)[name] = std::move(served);
  map_ = std::move(next);
  failing_.erase(name);
  unloaded_.erase(name);
}

}  // namespace millrace::serve
