#include "cli/data/data_tables.h"

#include <fmt/format.h>

#include "cli/host.h"
#include "core/files.h"

namespace millrace::cli {
namespace {

// "flights@3": asked of whoever owns the state folder.
versions::FindDataset dataset_finder(Invocation& in) {
  return [&in](const std::string& name, int64_t number) -> Result<std::vector<versions::DatasetFile>> {
    MILLRACE_TRY(auto* gateway, in.gateway());
    MILLRACE_TRY(const auto version,
                 gateway->call("GET", address({"datasets", name, "versions", std::to_string(number)})));
    const auto file = string_or(version, "file", "");
    if (file.empty())
      return Error{Code::rejected, fmt::format("{}@{} was rejected by its contract and has no rows", name, number)};
    return std::vector<versions::DatasetFile>{{string_or(version, "node", ""), file}};
  };
}

}  // namespace

Result<std::unique_ptr<TableSession>> TableSession::open(Invocation& in) {
  std::unique_ptr<TableSession> out(new TableSession);
  MILLRACE_TRY(const auto place, place_of(in));
  MILLRACE_TRY(out->reading_, versions::lock_objects(place, versions::Sharing::together));
  MILLRACE_TRY(auto workspace, versions::Workspace::open(place, in.host.context()));
  out->workspace_.emplace(std::move(workspace));
  out->scratch_ = out->workspace_->objects().incoming_folder() + "/sql-" + in.host.context().uuid();
  out->spill_ = out->scratch_ + "-spill";
  MILLRACE_DO(make_folders(out->scratch_));
  MILLRACE_DO(make_folders(out->spill_));
  out->blobs_ = parent_of(place.versions) + "/blobs";
  out->tables_.emplace(*out->workspace_, out->scratch_, out->blobs_, dataset_finder(in));
  out->engines_ = &in.host.engines();
  return out;
}

TableSession::~TableSession() {
  session_.reset();
  for (const auto& folder : {scratch_, spill_})
    if (!folder.empty()) (void)remove_tree(folder);
}

Result<engine::Engine*> TableSession::start(const std::vector<versions::VersionName>& names) {
  std::vector<std::string> readable{scratch_};
  std::vector<std::string> views;
  for (const auto& name : names) {
    MILLRACE_TRY(const auto table, tables_->find(name));
    readable.insert(readable.end(), table.files.begin(), table.files.end());
    views.push_back(
        fmt::format("CREATE TEMP VIEW {} AS SELECT * FROM {}", engine::quote_name(name.view()), table.relation));
  }
  MILLRACE_TRY(session_, engines_->open({.temp_folder = spill_, .readable = readable}));
  for (const auto& view : views) {
    MILLRACE_TRY(const auto made, session_->execute(view));
    (void)made;
  }
  MILLRACE_DO(session_->lock_down());
  return session_.get();
}

}  // namespace millrace::cli
