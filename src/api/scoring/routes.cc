#include "api/scoring/routes.h"

#include <fmt/format.h>

#include "api/coded.h"
#include "api/oip/call.h"
#include "api/scoring/answer.h"
#include "api/scoring/tensors.h"
#include "core/limits.h"

namespace millrace::api::scoring {
namespace {
using serve::DataPlane;
using serve::Target;

constexpr std::string_view kProtocol = "3.17.2";  // of MLflow
constexpr std::string_view kJson = "application/json", kCsv = "text/csv";

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// The answer for a media type that is none that is read; nothing, and `type`, for one that is.
std::optional<Reply> refuse_type(const Request& in, std::string_view& type) {
  std::string_view left = in.header("content-type");
  const auto next = [&] {
    const auto part = left.substr(0, left.find(';'));
    left.remove_prefix(std::min(part.size() + 1, left.size()));
    return trimmed(part);
  };
  type = next();
  while (!left.empty()) {
    const auto parameter = next();
    const auto name = parameter.substr(0, parameter.find('='));
    if (name != "charset")
      return unsupported_type(fmt::format("Unrecognized content type parameters: {}.", name.substr(0, 80)));
    auto value = std::string(parameter.substr(std::min(name.size() + 1, parameter.size())));
    for (auto& c : value)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (value != "utf-8") return unsupported_type("The scoring server only supports UTF-8");
  }
  if (type == kJson || type == kCsv) return std::nullopt;
  return unsupported_type(
      fmt::format("This predictor only supports the following content types: Types: ['{}', '{}']. Got '{}'.", kCsv,
                  kJson, type.substr(0, 80)));
}

// The one that the path, the query or a header names, or the only one that there is.
Result<Target> find(const DataPlane& plane, const Request& in) {
  std::string name(in.header("millrace-model"));
  if (const auto query = in.query_value("model")) name = *query;
  if (const auto path = in.args.find("model"); path != in.args.end()) name = path->second;
  if (!name.empty()) return plane.find(name, "");
  const auto served = plane.served();
  if (served.size() == 1) return Target{.served = served[0], .arm = &served[0]->stable};
  std::string names;
  for (const auto& each : served) names += (names.empty() ? "" : ", ") + each->place->name;
  if (names.empty()) return Error{Code::not_found, "no model is served"};
  return Error{Code::invalid, "several models are served, and the request names none"}.hint(
      fmt::format("POST /invocations/NAME, or send the header Millrace-Model; served: {}", names));
}

Result<serve::InferRequest> read(Request& in, std::string_view type, const Target& target, Frame& frame) {
  MILLRACE_DO(unpack_body(in, limits::log_batch_bytes));
  MILLRACE_TRY(frame, type == kCsv ? read_csv(in.body) : read_json(in.body));
  MILLRACE_TRY(auto request, to_request(frame, target->arm, target->model().batched()));
  MILLRACE_DO(oip::take_unit([&](std::string_view name) { return in.header(name); }, *target.served, request));
  request.arrived = in.arrived;
  return request;
}

Reply invoke(DataPlane& plane, Request& in) {
  std::string_view type;
  if (auto refused = refuse_type(in, type)) return std::move(*refused);
  const auto target = find(plane, in);
  if (!target) return error_answer(target.error());
  Frame frame;
  const auto request = read(in, type, *target, frame);
  if (!request) return error_answer(request.error());
  const auto reply = plane.infer(*target, *request);
  if (!reply) return error_answer(reply.error());
  auto answer = reply->refusal ? refusal(*reply) : reply->held ? held(*reply) : predictions(frame.form, *reply);
  pack_answer(in, answer);
  return answer;
}

Reply ping(const DataPlane& plane) {
  Reply reply;
  reply.status = plane.ready() ? 200 : 503;
  reply.body = "\n";
  return reply;
}

}  // namespace

Routes routes(DataPlane& plane, bool with_version) {
  constexpr BodyLimit kBody{.bytes = limits::log_batch_bytes, .encoded = true}, kNone{0};
  const Run run = plane.waits_for_disk() ? Run::worker : Run::inline_;
  Routes out;
  for (const std::string path : {"/invocations", "/invocations/{model}"}) {
    out.emplace_back(
        "POST", path, Permission::read, kBody, "none", run, [&plane](Request& in) { return invoke(plane, in); },
        "Predictions for a table or tensors, as MLflow's scoring server takes them.");
    out.back().quiet = true;
  }
  out.emplace_back(
      "GET", "/ping", Permission::open, kNone, "none", Run::inline_, [&plane](Request&) { return ping(plane); },
      "200 when every deployment is served.");
  if (with_version)
    out.emplace_back(
        "GET", "/version", Permission::open, kNone, "none", Run::inline_,
        [](Request&) { return Reply{.body = std::string(kProtocol)}; },
        "The MLflow release whose scoring protocol this server speaks.");
  return out;
}

}  // namespace millrace::api::scoring
