#include "api/oip/routes.h"

#include "api/coded.h"
#include "api/oip/answer.h"
#include "api/oip/call.h"
#include "api/oip/describe.h"
#include "api/oip/parse.h"
#include "api/oip/repository.h"
#include "core/limits.h"

namespace millrace::api::oip {
namespace {
using serve::DataPlane;
using serve::Target;

std::string version_in(const Request& in) {
  const auto found = in.args.find("version");
  return found == in.args.end() ? "" : found->second;
}

Result<Target> find(const DataPlane& plane, const Request& in) { return plane.find(in.arg("model"), version_in(in)); }

Reply server_metadata() {
  return Reply::json({{"name", "millrace"},
                      {"version", MILLRACE_VERSION},
                      {"extensions", {"binary_tensor_data", "statistics", "model_repository", "model_configuration"}}});
}

Reply model_metadata(const DataPlane& plane, const Request& in) {
  const auto target = find(plane, in);
  if (!target) return error_answer(target.error());
  const auto& it = *target->arm;
  Json versions{target->served->stable.version};
  if (const auto& canary = target->served->canary) versions.push_back(canary->version);
  return Reply::json({{"name", it.arm.deployment},
                      {"versions", std::move(versions)},
                      {"platform", std::string(it.model().platform())},
                      {"inputs", serve::to_json(it.arm.inputs)},
                      {"outputs", serve::to_json(it.arm.outputs)}});
}

Reply model_ready(const DataPlane& plane, const Request& in) {
  const auto served = find(plane, in);
  if (!served) return error_answer(served.error());
  return Reply::json({{"name", (*served)->arm.deployment}, {"ready", true}});
}

Reply ready(const DataPlane& plane) {
  if (plane.ready()) return Reply::json({{"ready", true}});
  Json reasons = Json::object();
  for (const auto& model : plane.models())
    if (!model.ready) reasons[model.name] = model.reason;
  return Reply::json(
      {{"ready", false}, {"error", "a deployment has no model that can be served"}, {"models", std::move(reasons)}},
      503);
}

Result<InferCall> read_call(Request& in, const Target& target) {
  const auto& arm = *target.arm;
  MILLRACE_DO(unpack_body(in, limits::inference_body_bytes));
  MILLRACE_TRY(const auto json_size, parse_json_size(in.header("inference-header-content-length"), in.body.size()));
  // Every arm takes the same requests, so the unit may be read before an arm is chosen.
  const bool raw = json_size == std::optional<size_t>(0);
  MILLRACE_TRY(auto call, raw ? parse_raw(in.body, arm.arm, arm.model().batched())
                              : parse_infer({in.body, json_size}, arm.arm, arm.model().batched()));
  MILLRACE_DO(take_unit([&](std::string_view name) { return in.header(name); }, *target.served, call.request));
  call.request.arrived = in.arrived;
  call.request.admitted = in.held != nullptr;
  return call;
}

Reply to_reply(const Request& in, const InferCall& call, const Result<serve::InferReply>& reply) {
  if (!reply) return error_answer(reply.error());
  auto answer = reply->refusal ? refusal_reply(*reply)
                : reply->held  ? case_reply(call, *reply)
                               : infer_reply(call, *reply);
  pack_answer(in, answer);
  return answer;
}

Reply infer(DataPlane& plane, Request& in) {
  const auto served = find(plane, in);
  if (!served) return error_answer(served.error());
  auto call = read_call(in, *served);
  if (!call) return error_answer(call.error());
  return to_reply(in, *call, plane.infer(*served, call->request));
}

std::vector<Reply> infer_together(DataPlane& plane, std::span<Request* const> all) {
  std::vector<Reply> replies(all.size());
  std::vector<InferCall> calls;
  std::vector<serve::AskedPrediction> asked;
  std::vector<size_t> places;
  calls.reserve(all.size());  // they are pointed at
  for (size_t i = 0; i < all.size(); ++i) {
    auto target = find(plane, *all[i]);
    auto call = target ? read_call(*all[i], *target) : Result<InferCall>(target.error());
    if (!call) {
      replies[i] = error_answer(call.error());
      continue;
    }
    calls.push_back(std::move(*call));
    asked.push_back({.target = std::move(*target), .request = &calls.back().request});
    places.push_back(i);
  }
  const auto answers = plane.infer_together(asked);
  for (size_t i = 0; i < answers.size(); ++i) replies[places[i]] = to_reply(*all[places[i]], calls[i], answers[i]);
  return replies;
}

// Before a body is read: a request that would only wait is turned away by its head.
Result<void> seat(DataPlane& plane, Request& in) {
  MILLRACE_TRY(auto taken, plane.take_seat(in.arg("model")));
  in.held = std::make_shared<serve::Seat>(std::move(taken));
  return {};
}

Reply not_built(std::string what, std::string hint) {
  return error_answer(Error{Code::unsupported, std::move(what)}.hint(std::move(hint)));
}

}  // namespace

Routes routes(DataPlane& plane) {
  constexpr BodyLimit kNone{0}, kTensors{.bytes = limits::inference_body_bytes, .encoded = true},
      kSmall{limits::json_body_bytes};
  const Run run_infer = plane.waits_for_disk() ? Run::worker : Run::inline_;
  Routes out;
  const auto get = [&](const std::string& pattern, Permission permission, Handler handler, const std::string& summary) {
    out.emplace_back("GET", pattern, permission, kNone, "none", Run::inline_, std::move(handler), summary);
  };
  get(
      "/v2", Permission::open, [](Request&) { return server_metadata(); },
      "Name, version and extensions of this server.");
  get(
      "/v2/health/live", Permission::open,
      [](Request&) {
        return Reply::json({{"live", true}});
      },
      "Does the server answer at all?");
  get(
      "/v2/health/ready", Permission::open, [&plane](Request&) { return ready(plane); }, "Is every deployment served?");
  const auto post = [&](const std::string& pattern, Permission permission, Run run, Handler handler,
                        const std::string& summary) {
    out.emplace_back("POST", pattern, permission, kSmall, "none", run, std::move(handler), summary);
  };
  post(
      "/v2/repository/index", Permission::read, Run::inline_, [&plane](Request& in) { return index(plane, in); },
      "The models that are served, or with {\"ready\": true} those that are ready.");
  post(
      "/v2/repository/models/{model}/load", Permission::write, Run::worker,
      [&plane](Request& in) { return load(plane, in); }, "Loads a model again from the file that it was started with.");
  post(
      "/v2/repository/models/{model}/unload", Permission::write, Run::worker,
      [&plane](Request& in) { return unload(plane, in); }, "Takes a model out of service.");
  get(
      "/v2/models/stats", Permission::read, [&plane](Request&) { return all_statistics(plane); },
      "Counts and times of all models.");
  for (const std::string path : {"/v2/trace/setting", "/v2/models/{model}/trace/setting", "/v2/logging"}) {
    const bool logging = path == "/v2/logging";
    const auto answer = [logging](Request&) {
      return logging ? not_built("the log cannot be set by requests", "set MILLRACE_LOG and start again")
                     : not_built("requests are not traced one by one",
                                 "the prediction log keeps every request, GET /metrics its times");
    };
    get(path, Permission::read, answer, "Not served, and says so.");
    post(path, Permission::read, Run::inline_, answer, "Not served, and says so.");
  }
  for (const std::string base : {"/v2/models/{model}", "/v2/models/{model}/versions/{version}"}) {
    get(
        base, Permission::read, [&plane](Request& in) { return model_metadata(plane, in); },
        "Inputs and outputs of a model.");
    get(
        base + "/ready", Permission::open, [&plane](Request& in) { return model_ready(plane, in); },
        "Is this model served?");
    get(
        base + "/stats", Permission::read, [&plane](Request& in) { return statistics(plane, in); },
        "Counts and times of a model.");
    get(
        base + "/config", Permission::read, [&plane](Request& in) { return configuration(plane, in); },
        "How a model is served, in the form of the protocol's reference server.");
    out.emplace_back(
        "POST", base + "/infer", Permission::read, kTensors, "none", run_infer,
        [&plane](Request& in) { return infer(plane, in); }, "One prediction for a batch of rows.");
    out.back().quiet = true;
    out.back().check_head = [&plane](Request& in) { return seat(plane, in); };
    if (run_infer != Run::inline_) continue;
    out.back().together = [&plane](std::span<Request* const> all) { return infer_together(plane, all); };
    out.back().gathers = [&plane](const Request& in) { return plane.shares_calls(in.arg("model")); };
  }
  return out;
}

}  // namespace millrace::api::oip
