// Which judge a release's canary has: the one that has judged it so far, in memory or as it was saved, or a new one.
#include <cmath>
#include <filesystem>

#include "core/files.h"
#include "serve/data_plane.h"
#include "serve/judge/judge.h"

namespace millrace::serve {
namespace {

constexpr size_t kSavedBytes = 16 << 20;

std::string saved_in(const std::string& folder) { return folder + "/rollout.json"; }

bool same(const Judge& judge, const RolloutSubject& subject) { return judge.subject().to_json() == subject.to_json(); }

Result<void> restore(Judge& judge, const std::string& path) {
  MILLRACE_TRY(const auto text, read_file(path, kSavedBytes));
  MILLRACE_TRY(const auto json, parse_json(text, path));
  return judge.restore(json);
}

}  // namespace

// The place's load is under way: its judge is ours.
void DataPlane::join_judge(Served& served, const registry::ReleaseSnapshot& snapshot) {
  auto& judge = served.place->judge;
  const std::string file = saved_in(options_.serving_folder + "/" + snapshot.deployment);
  if (!snapshot.canary || !snapshot.rollout) {
    judge.reset();
    std::error_code ignored;  // what cannot be removed is of another rollout when it is read
    std::filesystem::remove(file, ignored);
    return;
  }
  const auto subject = RolloutSubject::of(snapshot);
  if (!judge || !same(*judge, subject)) {
    judge = std::make_shared<Judge>(subject, *snapshot.rollout, context_.now());
    auto restored = restore(*judge, file);
    if (!restored && restored.error().code() != Code::not_found && restored.error().code() != Code::conflict)
      context_.log.error("rollout_evidence_lost",
                         {{"deployment", snapshot.deployment}, {"error", restored.error().text()}});
  }
  judge->at_release(snapshot.release, snapshot.canary_share);
  if (!served.canary) return;
  served.judge = judge;
  served.score = score_output(served.stable.arm.outputs);
}

void DataPlane::take_out(const Served& served) const {
  context_.log.warn("canary_out", {{"deployment", served.place->name},
                                   {"canary", served.canary->arm.version},
                                   {"release", served.canary->release}});
  if (on_canary_out) on_canary_out(served.place->name);
}

std::shared_ptr<Judge> DataPlane::judge(const std::string& deployment) const {
  const auto served = now_served(deployment);
  return served ? served->judge : nullptr;
}

Result<void> DataPlane::save_judges() {
  const std::lock_guard one_at_a_time(save_mutex_);
  std::optional<Error> first;
  for (const auto& each : served()) {
    if (!each->judge) continue;
    const auto& name = each->place->name;
    const uint64_t changes = each->judge->changes();
    if (const auto saved = saved_judges_.find(name); saved != saved_judges_.end() && saved->second == changes) continue;
    const std::string folder = options_.serving_folder + "/" + name;
    auto done = write_file(saved_in(folder), to_text(each->judge->save()));
    // A release that ended it meanwhile has removed the file; it must not come back.
    if (judge(name) != each->judge) {
      std::error_code ignored;
      std::filesystem::remove(saved_in(folder), ignored);
    }
    if (done)
      saved_judges_[name] = changes;
    else if (!first)
      first = std::move(done).error();
  }
  if (first) return *first;
  return {};
}

void DataPlane::see_label(const std::string& deployment, std::string_view prediction_id, int64_t row, bool positive) {
  if (row != 0) return;
  const auto served = now_served(deployment);
  if (served && served->judge && served->judge->label(short_id(prediction_id), positive, context_.now()))
    take_out(*served);
}

}  // namespace millrace::serve
