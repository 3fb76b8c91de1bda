#include <string>

#include <fmt/format.h>

#include "api/mlflow/table.h"

namespace millrace::api::mlflow {
namespace {

constexpr int64_t kSeconds = 900;
constexpr int64_t kMostSeconds = 604'800;  // what object stores take

Result<void> check_seconds(int64_t seconds) {
  if (seconds >= 1 && seconds <= kMostSeconds) return {};
  return Error{Code::invalid,
               fmt::format("expiration must be between 1 and {} seconds (got {}).", kMostSeconds, seconds)};
}

Reply of_proxy(Request& request, const Services& s) {
  const auto work = [&]() -> Result<Json> {
    const std::string root = "mlflow-artifacts:/";
    const auto& path = request.arg("path");
    MILLRACE_TRY(const auto url,
                 s.tracking.presign_artifact(request.caller, root, path, track::Presign::get, kSeconds));
    MILLRACE_TRY(const auto found, s.tracking.find_artifact(request.caller, root, path));
    return Json{{"url", url}, {"headers", Json::object()}, {"file_size", found.size}};
  };
  return reply_of(work(), [](const Json& value) { return value; });
}

Reply download(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto run_id = in.run_id(), path = in.text("path");
  const auto seconds = in.integer_or("expiration", kSeconds);
  if (in.failed()) return error_reply(in.error());
  const auto work = [&]() -> Result<Json> {
    MILLRACE_DO(check_seconds(seconds));
    MILLRACE_TRY(const auto run, s.tracking.get_run(request.caller, run_id));
    const auto& uri = run.info.artifact_uri;
    MILLRACE_TRY(const auto url, s.tracking.presign_artifact(request.caller, uri, path, track::Presign::get, seconds));
    MILLRACE_TRY(const auto found, s.tracking.find_artifact(request.caller, uri, path));
    return Json{{"presigned_url", url}, {"headers", Json::object()}, {"file_size", found.size}};
  };
  return reply_of(work(), [](const Json& value) { return value; });
}

// Only where clients write for themselves anyway: behind the proxy it would go around digests and the audit chain.
Reply upload(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto run_id = in.text_or("run_id"), model_id = in.text_or("model_id"), path = in.text("path");
  const auto seconds = in.integer_or("expiration", kSeconds);
  if (in.failed()) return error_reply(in.error());
  const auto work = [&]() -> Result<Json> {
    if (run_id.empty() == model_id.empty())
      return Error{Code::invalid, "Exactly one of run_id and model_id must be provided."};
    MILLRACE_DO(check_seconds(seconds));
    std::string uri;
    if (!run_id.empty()) {
      MILLRACE_TRY(const auto run, s.tracking.get_run(request.caller, run_id));
      uri = run.info.artifact_uri;
    } else {
      MILLRACE_TRY(const auto model, s.tracking.get_model(request.caller, model_id));
      uri = model.artifact_uri;
    }
    if (!s.tracking.goes_direct(uri))
      return Error{Code::invalid, "Presigned upload is not supported for proxied artifact storage"}.hint(
          "log the artifact through the server");
    MILLRACE_TRY(const auto url, s.tracking.presign_artifact(request.caller, uri, path, track::Presign::put, seconds));
    return Json{{"presigned_url", url}, {"headers", Json::object()}};
  };
  return reply_of(work(), [](const Json& value) { return value; });
}

}  // namespace

void add_presigned(Table& table) {
  table.add_below({"/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow-artifacts"},
                  {"GET", "/presigned/{path...}", Permission::read, "none",
                   "An address of the object store for one file.", of_proxy});
  table.add({"POST", "/artifacts/presigned-download-url", Permission::read, "none",
             "An address of the object store to read a run's file from.", download});
  table.add({"POST", "/artifacts/presigned-upload-url", Permission::write, "none",
             "An address of the object store to write a run's or model's file to.", upload});
}

}  // namespace millrace::api::mlflow
