#include <string>

#include "api/mlflow/table.h"

namespace millrace::api::mlflow {
namespace {

std::string file_name(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

// Browsers must never run what a run has left behind: always a download, never guessed.
Reply send(const std::string& file, std::string_view path) {
  Reply reply;
  reply.content_type = "application/octet-stream";
  reply.file = file;
  std::string name;
  for (const char c : file_name(path))
    name += c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f ? '_'
                                                                                                                   : c;
  reply.headers.emplace_back("content-disposition", "attachment; filename=\"" + name + "\"");
  reply.headers.emplace_back("x-content-type-options", "nosniff");
  return reply;
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
  const auto file = s.tracking.artifacts().file(request.caller.workspace,
                                                track::Tracking::artifact_path(run->info.artifact_uri) + "/" + path);
  return file ? send(*file, path) : error_reply(file.error());
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
  const auto file = s.tracking.artifacts().file(request.caller.workspace, request.arg("path"));
  return file ? send(*file, request.arg("path")) : error_reply(file.error());
}

Reply put(Request& request, const Services& s) {
  if (request.body_file.empty())
    return reply_of(s.tracking.put_artifact_text(request.caller, request.arg("path"), request.body));
  return reply_of(s.tracking.put_artifact(request.caller, request.arg("path"), request.body_file));
}

Reply remove(Request& request, const Services& s) {
  return reply_of(s.tracking.delete_artifacts(request.caller, request.arg("path")));
}

}  // namespace

void add_artifacts(Table& table) {
  table.add(
      {"GET", "/artifacts/list", Permission::read, "none", "The files of a run, a folder at a time.", list_of_run});
  table.add_below({""}, {"GET", "/get-artifact", Permission::read, "none", "One file of a run.", get_of_run});
  const auto proxy = [&](Endpoint endpoint) {
    table.add_below({"/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow-artifacts"}, endpoint);
  };
  proxy({"GET", "/artifacts", Permission::read, "none", "The files of a folder of the artifact store.", list});
  proxy({"GET", "/artifacts/{path...}", Permission::read, "none", "One file of the artifact store.", get});
  proxy({"PUT", "/artifacts/{path...}", Permission::write, "artifact.written", "Writes a file of the artifact store.",
         put, BodyLimit{limits::upload_bytes, true}});
  proxy({"DELETE", "/artifacts/{path...}", Permission::write, "artifact.deleted",
         "Removes a file or folder of the artifact store.", remove});
}

}  // namespace millrace::api::mlflow
