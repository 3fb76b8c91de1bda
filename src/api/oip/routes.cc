#include "api/oip/routes.h"

#include "api/oip/answer.h"
#include "api/oip/parse.h"
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
                      {"extensions", {"binary_tensor_data", "statistics", "model_repository"}}});
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

Reply index(const DataPlane& plane) {
  Json out = Json::array();
  for (const auto& model : plane.models())
    out.push_back({{"name", model.name},
                   {"version", model.version},
                   {"state", model.ready ? "READY" : "UNAVAILABLE"},
                   {"reason", model.reason}});
  return Reply::json(out);
}

Json counted(uint64_t count, uint64_t micros) { return {{"count", count}, {"ns", micros * 1000}}; }

Reply statistics(const DataPlane& plane, const Request& in) {
  const auto served = find(plane, in);
  if (!served) return error_answer(served.error());
  const auto& s = *(*served)->statistics;
  const uint64_t answered = s.success, failed = s.failure, runs = s.executions;
  return Reply::json({{"model_stats",
                       {{{"name", (*served)->arm.deployment},
                         {"version", (*served)->version},
                         {"last_inference", s.last_inference / 1000},
                         {"inference_count", s.rows.load()},
                         {"execution_count", runs},
                         {"inference_stats",
                          {{"success", counted(answered, s.request_us)},
                           {"fail", counted(failed, 0)},
                           {"queue", counted(answered, 0)},
                           {"compute_input", counted(answered, s.guard_us)},
                           {"compute_infer", counted(runs, s.infer_us)},
                           {"compute_output", counted(answered, s.log_us)}}},
                         {"batch_stats", Json::array()}}}}});
}

Reply infer(DataPlane& plane, const Request& in) {
  if (const auto encoding = in.header("content-encoding"); !encoding.empty() && encoding != "identity")
    return error_answer(
        Error{Code::unsupported, "compressed bodies are not served: '" + std::string(encoding.substr(0, 40)) + "'"}
            .at_field("Content-Encoding")
            .hint("send the body as it is"));
  const auto served = find(plane, in);
  if (!served) return error_answer(served.error());
  auto json_size = parse_json_size(in.header("inference-header-content-length"), in.body.size());
  if (!json_size) return error_answer(json_size.error());
  // Every arm takes the same requests, so the unit may be read before an arm is chosen.
  auto call = parse_infer({in.body, *json_size}, (*served)->arm, (*served)->model().batched());
  if (!call) return error_answer(call.error());
  const auto reply = plane.infer(*served, call->request);
  if (!reply) return error_answer(reply.error());
  return reply->refusal ? refusal_reply(*reply) : infer_reply(*call, *reply);
}

}  // namespace

Routes routes(DataPlane& plane) {
  constexpr BodyLimit kNone{0}, kTensors{limits::inference_body_bytes}, kSmall{limits::json_body_bytes};
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
  out.emplace_back(
      "POST", "/v2/repository/index", Permission::read, kSmall, "none", Run::inline_,
      [&plane](Request&) { return index(plane); }, "The models that are served.");
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
    out.emplace_back(
        "POST", base + "/infer", Permission::read, kTensors, "none", run_infer,
        [&plane](Request& in) { return infer(plane, in); }, "One prediction for a batch of rows.");
    out.back().quiet = true;
  }
  return out;
}

}  // namespace millrace::api::oip
