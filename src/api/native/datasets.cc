#include "api/native/dataset_json.h"
#include "api/native/reply.h"
#include "api/native/routes.h"

namespace millrace::api::native {
namespace {

Result<std::vector<data::Source>> sources_of(Services& s) {
  MILLRACE_TRY(const auto project, s.project());
  return data::read_sources(project);
}

// Files are named by path, so only somebody who reads them anyway may name them: the state folder's own user over its
// socket.
Result<data::Batch> batch_of(const Request& in, const data::Source& source) {
  if (in.caller.via != "cli")
    return Error{Code::denied, "files of the server's machine are added from its command line"}.hint(
        "millrace data add " + source.name + " FILE");
  MILLRACE_TRY(const auto body, read_object(in, {"files", "from", "to"}));
  data::Batch batch;
  batch.source = source;
  const auto* files = find(body, "files");
  if (files == nullptr || !files->is_array() || files->empty())
    return Error{Code::invalid, "'files' must be a list of paths"}.at_field("files");
  for (const auto& file : *files) {
    if (!file.is_string()) return Error{Code::invalid, "'files' must be a list of paths"}.at_field("files");
    batch.files.push_back(file.get<std::string>());
  }
  if (body.contains("from")) {
    MILLRACE_TRY(const auto text, get_string(body, "from"));
    MILLRACE_TRY(batch.from, parse_time(text));
  }
  if (body.contains("to")) {
    MILLRACE_TRY(const auto text, get_string(body, "to"));
    MILLRACE_TRY(batch.to, parse_time(text));
  }
  return batch;
}

Result<Json> add(Services& s, const Request& in) {
  MILLRACE_TRY(const auto sources, sources_of(s));
  MILLRACE_TRY(const auto source, find_spec(sources, in.arg("dataset"), "source"));
  MILLRACE_TRY(const auto batch, batch_of(in, source));
  MILLRACE_TRY(const auto version, s.datasets.add(in.caller, batch, sources));
  auto out = version_json(version);
  MILLRACE_TRY(out["findings"], s.datasets.findings(in.caller.workspace, version.dataset, version.version));
  return out;
}

Result<Json> list(Services& s, const Request& in, const std::string& dataset) {
  MILLRACE_TRY(const auto versions, s.datasets.list(in.caller.workspace, dataset));
  Json items = Json::array();
  for (const auto& version : versions) items.push_back(version_json(version));
  return Json{{"items", items}, {"next", nullptr}};
}

Result<Json> show(Services& s, const Request& in) {
  MILLRACE_TRY(const auto number, arg_integer(in, "version"));
  MILLRACE_TRY(const auto version, s.datasets.get(in.caller.workspace, in.arg("dataset"), number));
  auto out = version_json(version);
  MILLRACE_TRY(out["findings"], s.datasets.findings(in.caller.workspace, version.dataset, number));
  return out;
}

}  // namespace

Routes dataset_routes(Services& s) {
  const std::string base = "/api/millrace/v1/datasets";
  return {
      {"GET", base, Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return list(s, in, ""); }); }, "All dataset versions."},
      {"GET", base + "/{dataset}/versions", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return list(s, in, in.arg("dataset")); }); },
       "A dataset's versions."},
      {"POST", base + "/{dataset}/versions", Permission::write, kJsonBody, "dataset.version.added", Run::worker,
       [&s](Request& in) {
         return answer(
             in, [&] { return add(s, in); }, 201);
       },
       "Check a batch against the source's contract and keep it as a version."},
      {"GET", base + "/{dataset}/versions/{version}", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return show(s, in); }); },
       "One version with its findings and profile."},
  };
}

}  // namespace millrace::api::native
