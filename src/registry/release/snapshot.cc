#include "registry/release/snapshot.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/files.h"
#include "core/hash.h"
#include "core/ids.h"
#include "core/limits.h"

namespace millrace::registry {
namespace {

constexpr size_t kSnapshotBytes = 1 << 20;

Json model_json(const ReleasedModel& model) {
  Json out{{"model", model.model},
           {"version", model.version},
           {"digest", model.digest},
           {"file", model.file},
           {"contract", model.contract}};
  out["threshold"] = model.threshold ? Json(*model.threshold) : Json(nullptr);
  return out;
}

// Reads fields one by one and keeps the first thing that is wrong.
class Reader {
 public:
  Reader(const Json& object, std::string at) : object_(object), at_(std::move(at)) {
    if (!object.is_object()) refuse("", "an object is expected");
  }

  std::string text(const char* key) {
    const Json* value = take(key);
    if (value == nullptr) return "";
    if (!value->is_string()) return refuse(key, "text is expected"), "";
    return value->get<std::string>();
  }
  int64_t integer(const char* key) {
    const Json* value = take(key);
    if (value == nullptr) return 0;
    if (!value->is_number_integer()) return refuse(key, "an integer is expected"), 0;
    return value->get<int64_t>();
  }
  double number(const char* key) {
    const Json* value = take(key);
    if (value == nullptr) return 0;
    if (!value->is_number()) return refuse(key, "a number is expected"), 0;
    return value->get<double>();
  }
  // A key that snapshots did not always have.
  const Json* optional(const char* key) { return find(object_, key) == nullptr ? nullptr : take(key); }
  bool has(const char* key) const { return find(object_, key) != nullptr; }
  const Json& any(const char* key) {
    static const Json none;
    const Json* value = take(key);
    return value == nullptr ? none : *value;
  }
  void require(bool holds, const char* key, const char* what) {
    if (!holds) refuse(key, what);
  }
  std::string field(std::string_view key) const {
    return key.empty() ? at_ : at_.empty() ? std::string(key) : fmt::format("{}.{}", at_, key);
  }

  Result<void> done() {
    if (!problem_ && object_.is_object() && object_.size() != taken_)
      for (const auto& [key, value] : object_.items())
        if (std::find(known_.begin(), known_.end(), key) == known_.end()) refuse(key, "this key is not known");
    if (problem_) return *problem_;
    return {};
  }

 private:
  const Json* take(const char* key) {
    known_.emplace_back(key);
    const Json* value = find(object_, key);
    if (value == nullptr)
      refuse(key, "this key is missing");
    else
      ++taken_;
    return value;
  }
  void refuse(std::string_view key, std::string_view what) {
    if (!problem_)
      problem_ = Error{Code::corrupt, fmt::format("a release snapshot is not as it was written: {}", what)}.at_field(
          field(key));
  }

  const Json& object_;
  std::string at_;
  std::vector<std::string> known_;
  size_t taken_ = 0;
  std::optional<Error> problem_;
};

Result<ReleasedModel> read_model(const Json& json, const std::string& at) {
  Reader in(json, at);
  ReleasedModel out;
  out.model = in.text("model");
  out.version = in.integer("version");
  out.digest = in.text("digest");
  out.file = in.text("file");
  out.contract = in.text("contract");
  if (const Json& threshold = in.any("threshold"); threshold.is_number())
    out.threshold = threshold.get<double>();
  else
    in.require(threshold.is_null(), "threshold", "a number or null is expected");
  in.require(is_name(out.model), "model", "a model's name is expected");
  in.require(out.version >= 1, "version", "a version from 1 is expected");
  in.require(is_digest(out.digest), "digest", "sha256:<64 hexadecimal digits> is expected");
  in.require(safe_relative(out.file).ok(), "file", "a relative path inside the folder is expected");
  in.require(out.contract.empty() || safe_relative(out.contract).ok(), "contract",
             "a relative path inside the folder is expected");
  MILLRACE_DO(in.done());
  return out;
}

Result<ReleaseSnapshot> read_snapshot(const Json& json) {
  Reader in(json, "");
  ReleaseSnapshot out;
  out.deployment = in.text("deployment");
  out.release = in.integer("release");
  out.workspace = in.text("workspace");
  out.salt = in.text("salt");
  out.unit = in.text("unit");
  out.guard = in.text("guard");
  const Json& stable = in.any("stable");
  const Json& canary = in.any("canary");
  out.canary_share = in.number("canary_share");
  const Json& shadows = in.any("shadows");
  out.created_at = in.integer("created_at");
  const Json* rollout = in.optional("rollout");
  const Json* review = in.optional("review");
  if (in.has("unit_header")) out.unit_header = in.text("unit_header");
  if (in.has("runtime")) out.runtime = in.text("runtime");
  out.reason = in.text("reason");
  out.subject = in.text("subject");
  in.require(is_name(out.deployment), "deployment", "a deployment's name is expected");
  in.require(out.release >= 1, "release", "a release from 1 is expected");
  in.require(out.guard == "reject" || out.guard == "clamp" || out.guard == "flag", "guard",
             "'reject', 'clamp' or 'flag' is expected");
  in.require(out.canary_share >= 0 && out.canary_share <= 1, "canary_share", "a share from 0 to 1 is expected");
  in.require(shadows.is_array() && shadows.size() <= limits::release_shadows, "shadows",
             "a list of at most 8 models is expected");
  MILLRACE_DO(in.done());
  MILLRACE_TRY(out.stable, read_model(stable, "stable"));
  if (!canary.is_null()) {
    MILLRACE_TRY(out.canary, read_model(canary, "canary"));
  }
  if (rollout != nullptr) {
    MILLRACE_TRY(out.rollout, rollout_of_json(*rollout));
  }
  if (review != nullptr) {
    MILLRACE_TRY(out.review, review_of_json(*review));
  }
  for (size_t i = 0; i < shadows.size(); ++i) {
    MILLRACE_TRY(auto shadow, read_model(shadows[i], fmt::format("shadows[{}]", i)));
    out.shadows.push_back(std::move(shadow));
  }
  return out;
}

}  // namespace

Json to_json(const ReleaseSnapshot& snapshot) {
  Json shadows = Json::array();
  for (const auto& shadow : snapshot.shadows) shadows.push_back(model_json(shadow));
  Json out{{"deployment", snapshot.deployment},
           {"release", snapshot.release},
           {"workspace", snapshot.workspace},
           {"salt", snapshot.salt},
           {"unit", snapshot.unit},
           {"guard", snapshot.guard},
           {"stable", model_json(snapshot.stable)},
           {"canary", snapshot.canary ? model_json(*snapshot.canary) : Json(nullptr)},
           {"canary_share", snapshot.canary_share},
           {"shadows", std::move(shadows)},
           {"created_at", snapshot.created_at},
           {"reason", snapshot.reason},
           {"subject", snapshot.subject}};
  if (snapshot.rollout) out["rollout"] = to_json(*snapshot.rollout);
  if (!snapshot.unit_header.empty()) out["unit_header"] = snapshot.unit_header;
  if (!snapshot.runtime.empty()) out["runtime"] = snapshot.runtime;
  if (!snapshot.review.empty()) out["review"] = to_json(snapshot.review);
  return out;
}

Result<ReleaseSnapshot> parse_snapshot(std::string_view text, std::string_view from) {
  auto json = parse_json(text, from);
  if (!json)
    return Error{Code::corrupt, json.error().message()}
        .at({.file = std::string(from)})
        .hint("release again: the registry writes a new snapshot");
  auto snapshot = read_snapshot(*json);
  if (snapshot) return snapshot;
  auto error = std::move(snapshot).error();
  return std::move(error)
      .at({.file = std::string(from), .field = error.where().field})
      .hint("release again: the registry writes a new snapshot");
}

Result<ReleaseSnapshot> load_snapshot(const std::string& path) {
  MILLRACE_TRY(const auto text, read_file(path, kSnapshotBytes));
  return parse_snapshot(text, path);
}

Result<void> store_snapshot(const std::string& folder, const ReleaseSnapshot& snapshot) {
  const std::string text = to_pretty(to_json(snapshot)) + "\n";
  if (auto again = parse_snapshot(text, "the new release snapshot"); !again)
    return Error{Code::invalid, again.error().message()}.at(again.error().where());
  MILLRACE_DO(make_folders(folder));
  return write_file(folder + "/current.json", text);
}

}  // namespace millrace::registry
