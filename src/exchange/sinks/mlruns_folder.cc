#include "exchange/sinks/mlruns_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <set>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/files.h"
#include "core/hash.h"
#include "exchange/sinks/mlruns_text.h"
#include "exchange/sources/source.h"

namespace millrace::exchange {
namespace {

constexpr std::string_view kMark = "/export.json";  // beside the store: it was made here
constexpr unsigned kFile = 0644, kFolder = 0755;

int64_t run_status(const std::string& status) {
  constexpr std::array names = {"RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"};  // numbered from 1
  for (size_t i = 0; i < names.size(); ++i)
    if (status == names[i]) return static_cast<int64_t>(i + 1);
  return 1;
}

int64_t model_status(const std::string& status) {
  if (status == "LOGGED_MODEL_READY") return 2;
  return status == "LOGGED_MODEL_UPLOAD_FAILED" ? 3 : 1;
}

// An id that follows from what it names, in the form of the file store's own.
std::string id_of(const std::string& what, const std::string& more) {
  return digest_of(what + "\n" + more).substr(7, 32);
}

std::string file_uri(const std::string& path) {
  std::string out = "file://";
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("/-_.~+,=@:").find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

Result<void> write_meta(const std::string& folder, const YamlText& meta) {
  MILLRACE_DO(make_folders(folder, kFolder));
  return write_file(folder + "/meta.yaml", meta.text(), kFile);
}

// Lines of one key's points, in a file that was not there.
class Lines {
 public:
  static Result<Lines> open(const std::string& path) {
    MILLRACE_DO(make_folders(parent_of(path), kFolder));
    Lines out;
    out.path_ = path;
    out.file_.open(path, std::ios::binary | std::ios::trunc);
    if (!out.file_) return file_error("cannot write", path, errno);
    return out;
  }
  void add(const std::string& line) { file_ << line; }
  Result<void> close() {
    file_.close();
    return file_ ? Result<void>{} : Result<void>(file_error("cannot write", path_, errno));
  }

 private:
  std::string path_;
  std::ofstream file_;
};

}  // namespace

Result<std::unique_ptr<MlrunsFolder>> MlrunsFolder::open(const std::string& folder) {
  std::unique_ptr<MlrunsFolder> out(new MlrunsFolder(folder));
  const auto mark = folder + std::string(kMark);
  if (!exists(mark)) {
    if (exists(out->store()))
      return Error{Code::conflict, "there is another store already"}
          .at({.file = out->store()})
          .hint("give a folder that does not exist yet");
    MILLRACE_DO(write_file(mark,
                           R"({"millrace": "export", "format": "mlruns"})"
                           "\n",
                           kFile));
  }
  MILLRACE_DO(make_folders(out->store() + "/.trash", kFolder));
  MILLRACE_DO(make_folders(out->store() + "/models", kFolder));
  return out;
}

std::string MlrunsFolder::experiment_folder(const std::string& id) const {
  const auto found = experiments_.find(id);
  return found != experiments_.end() ? found->second : store() + "/" + id;
}

std::string MlrunsFolder::path(const std::string& folder) const {
  const auto slash = folder.find('/');
  const auto experiment = experiments_.find(folder.substr(0, slash));
  if (slash == std::string::npos || experiment == experiments_.end()) return folder_ + "/artifacts/" + folder;
  return experiment->second + folder.substr(slash);
}

// A deleted experiment's files are found when it is restored, as in the package's own stores.
std::string MlrunsFolder::location(const std::string& folder) const {
  const auto slash = folder.find('/');
  const bool in_store = slash != std::string::npos && experiments_.contains(folder.substr(0, slash));
  return file_uri(in_store ? store() + "/" + folder : folder_ + "/artifacts/" + folder);
}

std::vector<std::string> MlrunsFolder::folders() const { return {store(), folder_ + "/artifacts"}; }
Result<std::unique_ptr<Source>> MlrunsFolder::read() const { return open_mlruns(store()); }

Result<void> MlrunsFolder::put(const track::Experiment& experiment) {
  MILLRACE_DO(check_name(experiment.id, "id of an experiment"));
  const auto& id = experiment.id;
  const auto active = store() + "/" + id, deleted = store() + "/.trash/" + id;
  const bool is_active = experiment.lifecycle_stage == "active";
  const auto& folder = is_active ? active : deleted;
  const auto& other = is_active ? deleted : active;
  if (exists(other) && std::rename(other.c_str(), folder.c_str()) != 0) return file_error("cannot move", other, errno);
  experiments_[id] = folder;
  MILLRACE_DO(write_pairs(folder + "/tags", experiment.tags, "tag"));
  return write_meta(folder, YamlText()
                                .add("artifact_location", file_uri(active))
                                .add("creation_time", experiment.creation_time)
                                .add("experiment_id", id)
                                .add("last_update_time", experiment.last_update_time)
                                .add("lifecycle_stage", experiment.lifecycle_stage)
                                .add("name", experiment.name));
}

Result<bool> MlrunsFolder::has_run(const track::RunInfo& run) {
  return exists(fmt::format("{}/{}/meta.yaml", experiment_folder(run.experiment_id), run.id));
}

Result<void> MlrunsFolder::put(const track::Run& run, const EachKey& each_key) {
  const auto& info = run.info;
  MILLRACE_DO(check_name(info.id, "id of a run"));
  const auto folder = experiment_folder(info.experiment_id) + "/" + info.id;
  std::vector<std::string> keys;
  for (const auto& metric : run.metrics) keys.push_back(metric.key);
  MILLRACE_DO(check_keys(keys, "metric"));
  for (const char* part : {"/metrics", "/inputs", "/outputs"}) MILLRACE_DO(remove_tree(folder + part));
  MILLRACE_DO(write_pairs(folder + "/params", run.params, "parameter"));
  MILLRACE_DO(write_pairs(folder + "/tags", run.tags, "tag"));
  MILLRACE_DO(make_folders(folder + "/metrics", kFolder));
  MILLRACE_DO(make_folders(folder + "/artifacts", kFolder));
  MILLRACE_DO(put_inputs(run, folder));
  MILLRACE_DO(each_key([&](const std::string& key, const std::vector<Point>& points) -> Result<void> {
    MILLRACE_TRY(auto lines, Lines::open(folder + "/metrics/" + key));
    for (const auto& point : points) {
      MILLRACE_TRY(const auto line, metric_line(point));
      lines.add(line);
    }
    return lines.close();
  }));
  FAULT_POINT("exchange.export.run");
  YamlText meta;
  meta.add("artifact_uri", info.artifact_uri);
  const bool is_deleted = info.lifecycle_stage == "deleted";
  is_deleted ? meta.add("deleted_time", info.end_time.value_or(info.start_time)) : meta.add_null("deleted_time");
  info.end_time ? meta.add("end_time", *info.end_time) : meta.add_null("end_time");
  return write_meta(folder, meta.add("entry_point_name", "")
                                .add("experiment_id", info.experiment_id)
                                .add("lifecycle_stage", info.lifecycle_stage)
                                .add("run_id", info.id)
                                .add("run_name", info.name)
                                .add("source_name", "")
                                .add("source_type", int64_t{4})
                                .add("source_version", "")
                                .add("start_time", info.start_time)
                                .add("status", run_status(info.status))
                                .add_raw("tags", "[]")
                                .add("user_id", info.user_id));
}

Result<void> MlrunsFolder::put_dataset(const track::Run& run, const track::DatasetInput& input,
                                       const std::string& folder) const {
  const auto& set = input.dataset;
  const auto id = id_of(set.name, set.digest);
  const auto place = fmt::format("{}/datasets/{}", experiment_folder(run.info.experiment_id), id);
  if (!exists(place + "/meta.yaml"))
    MILLRACE_DO(write_meta(place, YamlText()
                                      .add("digest", set.digest)
                                      .add("name", set.name)
                                      .add_or_null("profile", set.profile)
                                      .add_or_null("schema", set.schema)
                                      .add("source", set.source)
                                      .add("source_type", set.source_type)));
  return write_meta(fmt::format("{}/inputs/{}", folder, id_of(id, run.info.id)), YamlText()
                                                                                     .add("destination_id", id)
                                                                                     .add("destination_type", "RUN")
                                                                                     .add("source_id", id)
                                                                                     .add("source_type", "DATASET")
                                                                                     .add("tags", input.tags));
}

Result<void> MlrunsFolder::put_inputs(const track::Run& run, const std::string& folder) const {
  for (const auto& input : run.datasets) MILLRACE_DO(put_dataset(run, input, folder));
  for (const auto& model : run.model_inputs)
    MILLRACE_DO(
        write_meta(fmt::format("{}/inputs/{}", folder, id_of(model, run.info.id)), YamlText()
                                                                                       .add("destination_id", model)
                                                                                       .add("destination_type", "RUN")
                                                                                       .add("source_id", model)
                                                                                       .add("source_type", "MODEL")
                                                                                       .add_raw("tags", "{}")));
  for (const auto& model : run.model_outputs) {
    MILLRACE_DO(check_name(model.model_id, "id of a logged model"));
    MILLRACE_DO(
        write_meta(fmt::format("{}/outputs/{}", folder, model.model_id), YamlText()
                                                                             .add("destination_id", model.model_id)
                                                                             .add("destination_type", "MODEL_OUTPUT")
                                                                             .add("source_id", model.model_id)
                                                                             .add("source_type", "RUN_OUTPUT")
                                                                             .add("step", model.step)
                                                                             .add_raw("tags", "{}")));
  }
  return {};
}

Result<void> MlrunsFolder::put(const track::LoggedModel& model) {
  MILLRACE_DO(check_name(model.id, "id of a logged model"));
  const auto folder = fmt::format("{}/models/{}", experiment_folder(model.experiment_id), model.id);
  std::map<std::string, std::string> lines;
  for (const auto& metric : model.metrics) {
    MILLRACE_TRY(const auto line, model_metric_line(metric));
    lines[metric.key] += line;
  }
  std::vector<track::KeyValue> metrics;
  for (auto& [key, text] : lines) metrics.push_back({key, std::move(text)});
  MILLRACE_DO(write_pairs(folder + "/metrics", metrics, "metric"));
  MILLRACE_DO(write_pairs(folder + "/params", model.params, "parameter"));
  MILLRACE_DO(write_pairs(folder + "/tags", model.tags, "tag"));
  return write_meta(folder, YamlText()
                                .add("artifact_location", model.artifact_uri)
                                .add("creation_timestamp", model.creation_time)
                                .add("experiment_id", model.experiment_id)
                                .add("last_updated_timestamp", model.last_update_time)
                                .add("lifecycle_stage", model.lifecycle_stage)
                                .add("model_id", model.id)
                                .add_or_null("model_type", model.model_type)
                                .add("name", model.name)
                                .add_or_null("source_run_id", model.source_run_id)
                                .add("status", model_status(model.status))
                                .add_null("status_message"));
}

Result<void> MlrunsFolder::put(const Registered& model) {
  MILLRACE_DO(check_name(model.name, "name of a registered model"));
  const auto folder = fmt::format("{}/models/{}", store(), model.name);
  std::vector<track::KeyValue> aliases;
  for (const auto& [alias, number] : model.aliases) aliases.push_back({alias, std::to_string(number)});
  MILLRACE_DO(write_pairs(folder + "/tags", model.tags, "tag"));
  MILLRACE_DO(write_pairs(folder + "/aliases", aliases, "alias"));
  FAULT_POINT("exchange.export.registered");
  return write_meta(folder, YamlText()
                                .add("aliases", aliases)
                                .add("creation_timestamp", model.created)
                                .add_or_null("description", model.description)
                                .add("last_updated_timestamp", model.updated)
                                .add("name", model.name));
}

Result<void> MlrunsFolder::put(const Version& version) {
  MILLRACE_DO(check_name(version.model, "name of a registered model"));
  const auto folder = fmt::format("{}/models/{}/version-{}", store(), version.model, version.number);
  MILLRACE_DO(write_pairs(folder + "/tags", version.tags, "tag"));
  FAULT_POINT("exchange.export.version");
  return write_meta(folder, YamlText()
                                .add("creation_timestamp", version.created)
                                .add("current_stage", version.stage)
                                .add_or_null("description", version.description)
                                .add("last_updated_timestamp", version.updated)
                                .add_or_null("model_id", version.model_id)
                                .add("name", version.model)
                                .add_or_null("run_id", version.run_id)
                                .add_or_null("run_link", version.run_link)
                                .add("source", version.source)
                                .add("status", version.status)
                                .add_null("status_message")
                                .add("storage_location", version.storage)
                                .add_or_null("user_id", version.author)
                                .add("version", version.number));
}

}  // namespace millrace::exchange
