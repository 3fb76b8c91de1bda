#include <string>

#include "api/mlflow/registry.h"
#include "api/mlflow/send_artifact.h"
#include "api/mlflow/table.h"
#include "core/limits/transfer_limits.h"

namespace millrace::api::mlflow {
namespace {

constexpr std::string_view kProxy = "mlflow-artifacts:/";

// A client that does not encode a '?' in a name would store or read another file.
Result<void> check_path(const Request& request, const Services&) {
  if (!request.query.empty())
    return Error{Code::invalid, "Invalid path: the address of an artifact takes no '?'"}.hint("rename the file");
  MILLRACE_TRY(const auto at, track::ArtifactPath::of_file(request.caller.workspace, request.arg("path")));
  (void)at;
  return {};
}

Reply list_of_run(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto run_id = in.run_id();
  const auto folder = in.text_or("path");
  if (in.failed()) return error_reply(in.error());
  const auto run = s.tracking.get_run(request.caller, run_id);
  if (!run) return error_reply(run.error());
  return reply_of(s.tracking.list_below(request.caller, run->info.artifact_uri, folder), [&](const auto& files) {
    Json out{{"root_uri", run->info.artifact_uri}};
    for (const auto& file : files) out["files"].push_back(to_json(file, folder));
    return out;
  });
}

Reply get_of_run(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto run_id = in.run_id();
  const auto path = in.text("path");
  if (in.failed()) return error_reply(in.error());
  const auto run = s.tracking.get_run(request.caller, run_id);
  if (!run) return error_reply(run.error());
  return send_artifact(request, s, run->info.artifact_uri, path);
}

Reply list(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto folder = in.text_or("path");
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.tracking.artifacts().list(request.caller.workspace, folder), [](const auto& files) {
    Json out{{"files", Json::array()}};
    for (const auto& file : files) out["files"].push_back(to_json(file, ""));
    return out;
  });
}

Reply get(Request& request, const Services& s) {
  return send_artifact(request, s, std::string(kProxy), request.arg("path"));
}

Reply put(Request& request, const Services& s) {
  if (request.body_file.empty())
    return reply_of(s.tracking.put_artifact_text(request.caller, request.arg("path"), request.body));
  return reply_of(s.tracking.put_artifact(request.caller, request.arg("path"), request.body_file, request.body_digest));
}

Reply remove(Request& request, const Services& s) {
  return reply_of(s.tracking.delete_artifacts(request.caller, request.arg("path")));
}

// A page sends one small file as the body; run and path are in the address.
Reply upload_of_page(Request& request, const Services& s) {
  const auto run_id = request.query_value("run_uuid").value_or(""), path = request.query_value("path").value_or("");
  if (run_id.empty()) return error_reply(Error{Code::invalid, "Request must specify run_uuid."});
  if (path.empty()) return error_reply(Error{Code::invalid, "Request must specify path."});
  if (request.body.empty()) return error_reply(Error{Code::invalid, "Request must specify data."});
  const auto run = s.tracking.get_run(request.caller, run_id);
  if (!run) return error_reply(run.error());
  const auto root = track::Tracking::artifact_path(run->info.artifact_uri);
  if (root.empty())
    return error_reply(Error{Code::unsupported, "the artifacts of this run are not kept behind this server"});
  return reply_of(s.tracking.put_artifact_text(request.caller, root + "/" + path, request.body));
}

Reply get_of_version(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto name = in.text("name"), number = in.text("version"), path = in.text("path");
  if (in.failed()) return error_reply(in.error());
  const auto version = read_version(number);
  if (!version) return error_reply(version.error());
  const auto uri = s.registry->download_uri(request.caller, name, *version);
  if (!uri) return error_reply(uri.error());
  return send_artifact(request, s, *uri, path);
}

}  // namespace

void add_artifacts(Table& table) {
  table.add(
      {"GET", "/artifacts/list", Permission::read, "none", "The files of a run, a folder at a time.", list_of_run});
  table.add_below({""}, {"GET", "/get-artifact", Permission::read, "none", "One file of a run.", get_of_run});
  table.add_below({"/ajax-api/2.0/mlflow"}, {"POST", "/upload-artifact", Permission::write, "artifact.written",
                                             "Writes a small file of a run, given as the body.", upload_of_page,
                                             BodyLimit{limits::form_upload_bytes}});
  const auto proxy = [&](Endpoint endpoint) {
    table.add_below({"/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow-artifacts"}, endpoint);
  };
  proxy({"GET", "/artifacts", Permission::read, "none", "The files of a folder of the artifact store.", list});
  proxy({"GET", "/artifacts/{path...}", Permission::read, "none",
         "One file of the artifact store, or a range of its bytes.", get, BodyLimit{0}, check_path});
  proxy({"PUT", "/artifacts/{path...}", Permission::write, "artifact.written", "Writes a file of the artifact store.",
         put, BodyLimit{limits::artifact_bytes, true}, check_path});
  proxy({"DELETE", "/artifacts/{path...}", Permission::write, "artifact.deleted",
         "Removes a file or folder of the artifact store.", remove, BodyLimit{limits::json_body_bytes}, check_path});
}

void add_version_artifacts(Table& table) {
  table.add_below({""}, {"GET", "/model-versions/get-artifact", Permission::read, "none",
                         "One file of a version of a registered model.", get_of_version});
}

}  // namespace millrace::api::mlflow
