#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/codes/utf8.h"
#include "core/limits.h"
#include "core/limits/exchange_limits.h"
#include "core/tree.h"
#include "core/yaml.h"
#include "exchange/points.h"
#include "exchange/sources/source.h"

namespace millrace::exchange {
namespace {

constexpr std::string_view kMeta = "meta.yaml";
constexpr std::string_view kTrash = ".trash";
constexpr std::array kNotRuns = {"tags", "datasets", "traces", "models"};
constexpr std::string_view kRegistered = "models", kVersion = "version-", kDeletedStage = "Deleted_Internal";
constexpr size_t kLineBytes = 4 << 10;

bool absent(const Yaml* node) {
  return node == nullptr || node->is_null() ||
         (node->is_scalar() && !node->quoted() && (node->text() == "null" || node->text() == "~"));
}

// Texts are taken as they are written: "007" is no number.
std::string text_of(const Yaml& map, std::string_view key) {
  const auto* node = map.find(key);
  return absent(node) ? std::string() : node->text();
}

Result<int64_t> integer_of(const Yaml& map, std::string_view key, int64_t otherwise) {
  const auto* node = map.find(key);
  if (absent(node)) return otherwise;
  return node->integer();
}

Result<std::string> run_status(const Yaml& meta) {
  constexpr std::array names = {"RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"};  // numbered from 1
  const auto text = text_of(meta, "status");
  for (const char* name : names)
    if (text == name) return std::string(name);
  MILLRACE_TRY(const auto number, integer_of(meta, "status", 1));
  if (number < 1 || number > static_cast<int64_t>(names.size()))
    return meta.error(fmt::format("'status' is {}, a run's is 1 to {}", number, names.size()));
  return std::string(names[static_cast<size_t>(number - 1)]);
}

std::string model_status(const Yaml& meta) {
  const auto text = text_of(meta, "status");
  if (text == "2" || text == "READY" || text == "LOGGED_MODEL_READY") return "LOGGED_MODEL_READY";
  if (text == "3" || text == "FAILED" || text == "LOGGED_MODEL_UPLOAD_FAILED") return "LOGGED_MODEL_UPLOAD_FAILED";
  return "LOGGED_MODEL_PENDING";
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const auto end = std::min(line.find(' '), line.size());
    if (end > 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

template <class Number>
bool read_number(std::string_view text, Number& out) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

// "nan", "inf", "-inf" and any case of them are numbers to from_chars too; "1_000" is to nobody but Python.
struct Line {
  Point point;
  Measured measured;
  std::string run;  // of a model's metric
};

// timestamp value [step [run] [dataset name and digest]]; a dataset's name may hold spaces.
bool read_line(std::string_view text, bool of_model, Line& line) {
  const auto words = words_of(text);
  const size_t fixed = of_model ? 4 : 3;
  if (words.size() < 2 || (of_model && words.size() < fixed) || words.size() == fixed + 1) return false;
  if (!read_number(words[0], line.point.timestamp) || !read_number(words[1], line.point.value)) return false;
  if (words.size() > 2 && !read_number(words[2], line.point.step)) return false;
  if (of_model) line.run = words[3];
  if (words.size() <= fixed) return true;
  line.measured.dataset_digest = words.back();
  const auto* from = words[fixed].data();
  const auto* to = words.back().data() - 1;
  line.measured.dataset_name = std::string(from, static_cast<size_t>(to - from));
  return true;
}

class FileSource final : public Source {
 public:
  explicit FileSource(Tree tree) : tree_(std::move(tree)), name_("mlruns:" + tree_.path()) {}

  const std::string& name() const override { return name_; }
  std::vector<std::string> artifact_folders() const override { return {tree_.path()}; }

  Result<std::vector<std::string>> left_out() override {
    std::vector<std::string> out;
    size_t traces = 0, strange = 0;
    for (const auto& folder : {std::string(), std::string(kTrash)}) {
      MILLRACE_TRY(const auto entries, tree_.list(folder));
      for (const auto& entry : entries) {
        const auto path = below(folder, entry.name);
        if (entry.kind == Entry::Kind::folder && tree_.has_file(below(path, kMeta))) {
          MILLRACE_TRY(const auto found, tree_.list(path + "/traces"));
          traces += found.size();
        } else if (entry.name != kTrash && entry.name != "models") {
          ++strange;
        }
      }
    }
    if (traces > 0) out.push_back(fmt::format("{} traces", traces));
    if (strange > 0) out.push_back(fmt::format("{} entries that are no experiments", strange));
    return out;
  }

  Result<std::vector<track::Experiment>> experiments() override {
    std::vector<track::Experiment> out;
    folders_.clear();
    for (const auto& folder : {std::string(), std::string(kTrash)}) {
      MILLRACE_TRY(const auto entries, tree_.list(folder));
      for (const auto& entry : entries) {
        const auto path = below(folder, entry.name);
        if (entry.kind != Entry::Kind::folder || entry.name == "models" || !tree_.has_file(below(path, kMeta)))
          continue;
        MILLRACE_TRY(auto experiment, read_experiment(path));
        if (experiment.id != entry.name)
          return Error{Code::corrupt, fmt::format("it says that it is experiment '{}'", experiment.id)}.at(
              {.file = tree_.path() + "/" + path});
        experiment.lifecycle_stage = folder.empty() ? "active" : "deleted";
        if (!folders_.emplace(experiment.id, path).second)
          return Error{Code::corrupt, fmt::format("experiment '{}' is there twice, once deleted", experiment.id)}.at(
              {.file = tree_.path()});
        out.push_back(std::move(experiment));
      }
    }
    return out;
  }

  Result<std::vector<std::string>> run_ids(const std::string& experiment) override {
    const auto folder = folders_[experiment];
    std::vector<std::string> out;
    MILLRACE_TRY(const auto entries, tree_.list(folder));
    for (const auto& entry : entries) {
      if (entry.kind != Entry::Kind::folder || std::count(kNotRuns.begin(), kNotRuns.end(), entry.name) != 0) continue;
      if (tree_.has_file(below(below(folder, entry.name), kMeta))) out.push_back(entry.name);
    }
    return out;
  }

  Result<track::Run> run(const std::string& experiment, const std::string& id) override {
    const auto folder = run_folder(experiment, id);
    MILLRACE_TRY(const auto meta, read_yaml(folder));
    track::Run run;
    MILLRACE_TRY(run.params, pairs(folder + "/params"));
    MILLRACE_TRY(run.tags, pairs(folder + "/tags"));
    run.info = {.id = text_of(meta, meta.find("run_id") != nullptr ? "run_id" : "run_uuid"),
                .name = text_of(meta, "run_name"),
                .experiment_id = experiment,
                .user_id = text_of(meta, "user_id"),
                .artifact_uri = text_of(meta, "artifact_uri"),
                .lifecycle_stage = text_of(meta, "lifecycle_stage")};
    if (run.info.id != id)
      return Error{Code::corrupt, fmt::format("it says that it is run '{}'", run.info.id)}.at(
          {.file = tree_.path() + "/" + folder});
    MILLRACE_TRY(run.info.status, run_status(meta));
    MILLRACE_TRY(run.info.start_time, integer_of(meta, "start_time", 0));
    if (!absent(meta.find("end_time"))) {
      MILLRACE_TRY(run.info.end_time, integer_of(meta, "end_time", 0));
    }
    if (run.info.lifecycle_stage.empty()) run.info.lifecycle_stage = "active";
    // A store that was moved still names its old place; the artifacts are beside the run then.
    if (tree_.has_folder(folder + "/artifacts")) run.info.artifact_uri = tree_.path() + "/" + folder + "/artifacts";
    MILLRACE_DO(add_inputs(experiment, folder, run));
    MILLRACE_DO(add_outputs(folder, run));
    return run;
  }

  Result<std::vector<std::string>> metric_keys(const track::RunInfo& run) override {
    return files_below(run_folder(run.experiment_id, run.id) + "/metrics");
  }

  Result<std::vector<Point>> points(const track::RunInfo& run, const std::string& key) override {
    std::vector<Point> out;
    const auto file = run_folder(run.experiment_id, run.id) + "/metrics/" + key;
    MILLRACE_DO(each_line(file, false, [&](Line& line) -> Result<void> {
      if (!line.measured.dataset_name.empty()) line.point.on = std::make_shared<Measured>(std::move(line.measured));
      return add_point(run, key, std::move(line.point), out);
    }));
    MILLRACE_DO(add_measured(run, key, out));
    return out;
  }

  Result<std::vector<std::string>> model_ids(const std::string& experiment) override {
    const auto folder = folders_[experiment] + "/models";
    std::vector<std::string> out;
    MILLRACE_TRY(const auto entries, tree_.list(folder));
    for (const auto& entry : entries)
      if (entry.kind == Entry::Kind::folder && tree_.has_file(below(below(folder, entry.name), kMeta)))
        out.push_back(entry.name);
    return out;
  }

  Result<track::LoggedModel> model(const std::string& experiment, const std::string& id) override {
    const auto folder = folders_[experiment] + "/models/" + id;
    MILLRACE_TRY(const auto meta, read_yaml(folder));
    track::LoggedModel model{.id = text_of(meta, "model_id"),
                             .experiment_id = experiment,
                             .name = text_of(meta, "name"),
                             .artifact_uri = text_of(meta, "artifact_location"),
                             .status = model_status(meta),
                             .model_type = text_of(meta, "model_type"),
                             .source_run_id = text_of(meta, "source_run_id"),
                             .lifecycle_stage = text_of(meta, "lifecycle_stage")};
    if (model.id != id)
      return Error{Code::corrupt, fmt::format("it says that it is model '{}'", model.id)}.at(
          {.file = tree_.path() + "/" + folder});
    MILLRACE_TRY(model.creation_time, integer_of(meta, "creation_timestamp", 0));
    MILLRACE_TRY(model.last_update_time, integer_of(meta, "last_updated_timestamp", model.creation_time));
    if (model.lifecycle_stage.empty()) model.lifecycle_stage = "active";
    if (tree_.has_folder(folder + "/artifacts")) model.artifact_uri = tree_.path() + "/" + folder + "/artifacts";
    MILLRACE_TRY(model.params, pairs(folder + "/params"));
    MILLRACE_TRY(model.tags, pairs(folder + "/tags"));
    return model;
  }

  Result<std::vector<std::string>> registered_names() override {
    std::vector<std::string> out;
    MILLRACE_TRY(const auto entries, tree_.list(std::string(kRegistered)));
    for (const auto& entry : entries)
      if (entry.kind == Entry::Kind::folder && tree_.has_file(registered_folder(entry.name) + "/" + std::string(kMeta)))
        out.push_back(entry.name);
    return out;
  }

  Result<Registered> registered(const std::string& name) override {
    const auto folder = registered_folder(name);
    MILLRACE_TRY(const auto meta, read_yaml(folder));
    Registered out{.name = text_of(meta, "name"), .description = text_of(meta, "description")};
    if (out.name != name)
      return Error{Code::corrupt, fmt::format("it says that it is the model '{}'", out.name)}.at(
          {.file = tree_.path() + "/" + folder});
    MILLRACE_TRY(out.created, integer_of(meta, "creation_timestamp", 0));
    MILLRACE_TRY(out.updated, integer_of(meta, "last_updated_timestamp", out.created));
    MILLRACE_TRY(out.tags, pairs(folder + "/tags"));
    MILLRACE_TRY(const auto aliases, pairs(folder + "/aliases"));
    for (const auto& alias : aliases) {
      int64_t number = 0;
      if (!read_number(alias.value, number))
        return Error{Code::corrupt, fmt::format("'{}' is no number of a version", alias.value.substr(0, 80))}.at(
            {.file = fmt::format("{}/{}/aliases/{}", tree_.path(), folder, alias.key)});
      out.aliases.emplace(alias.key, number);
    }
    MILLRACE_TRY(const auto entries, tree_.list(folder));
    for (const auto& entry : entries) {
      int64_t number = 0;
      if (entry.kind != Entry::Kind::folder || !entry.name.starts_with(kVersion) ||
          !read_number(std::string_view(entry.name).substr(kVersion.size()), number))
        continue;
      out.last_version = std::max(out.last_version, number);
      const auto version = read_yaml(folder + "/" + entry.name);  // one that is broken is refused by itself
      if (!version || text_of(*version, "current_stage") != kDeletedStage) out.versions.push_back(number);
    }
    std::sort(out.versions.begin(), out.versions.end());
    return out;
  }

  Result<Version> version(const std::string& model, int64_t number) override {
    const auto folder = fmt::format("{}/{}{}", registered_folder(model), kVersion, number);
    MILLRACE_TRY(const auto meta, read_yaml(folder));
    Version out{.model = text_of(meta, "name"),
                .number = number,
                .source = text_of(meta, "source"),
                .run_id = text_of(meta, "run_id"),
                .model_id = text_of(meta, "model_id"),
                .run_link = text_of(meta, "run_link"),
                .description = text_of(meta, "description"),
                .stage = text_of(meta, "current_stage"),
                .status = text_of(meta, "status"),
                .author = text_of(meta, "user_id")};
    if (out.model != model || text_of(meta, "version") != std::to_string(number))
      return Error{Code::corrupt,
                   fmt::format("it says that it is version {} of '{}'", text_of(meta, "version"), out.model)}
          .at({.file = tree_.path() + "/" + folder});
    MILLRACE_TRY(out.created, integer_of(meta, "creation_timestamp", 0));
    MILLRACE_TRY(out.updated, integer_of(meta, "last_updated_timestamp", out.created));
    MILLRACE_TRY(out.tags, pairs(folder + "/tags"));
    return out;
  }

 private:
  static std::string registered_folder(const std::string& name) { return fmt::format("{}/{}", kRegistered, name); }
  static std::string below(const std::string& folder, std::string_view name) {
    return folder.empty() ? std::string(name) : fmt::format("{}/{}", folder, name);
  }
  std::string run_folder(const std::string& experiment, const std::string& id) {
    return folders_[experiment] + "/" + id;
  }

  Result<Yaml> read_yaml(const std::string& folder) const {
    const auto file = below(folder, kMeta);
    MILLRACE_TRY(const auto text, tree_.read(file, limits::yaml_bytes));
    return parse_yaml(text, tree_.path() + "/" + file);
  }

  Result<std::string> read_text(const std::string& file) const {
    MILLRACE_TRY(auto text, tree_.read(file, limits::exchange_text_bytes));
    if (!is_utf8(text)) return Error{Code::invalid, "not UTF-8"}.at({.file = tree_.path() + "/" + file});
    return text;
  }

  Result<std::vector<std::string>> files_below(const std::string& folder) const {
    std::vector<std::string> out;
    std::optional<Error> strange;
    MILLRACE_DO(tree_.walk(
        folder, {.file = [&](const std::string& path, int64_t) -> Result<void> {
                   out.push_back(path);
                   return {};
                 },
                 .other =
                     [&](const std::string& path, const std::string& why) {
                       strange = Error{Code::invalid, why}.at({.file = tree_.path() + "/" + folder + "/" + path});
                     }}));
    if (strange) return std::move(*strange);
    return out;
  }

  Result<std::vector<track::KeyValue>> pairs(const std::string& folder) const {
    MILLRACE_TRY(const auto keys, files_below(folder));
    std::vector<track::KeyValue> out;
    for (const auto& key : keys) {
      MILLRACE_TRY(auto value, read_text(folder + "/" + key));
      out.push_back({key, std::move(value)});
    }
    return out;
  }

  Result<track::Experiment> read_experiment(const std::string& folder) const {
    MILLRACE_TRY(const auto meta, read_yaml(folder));
    track::Experiment experiment{.id = text_of(meta, "experiment_id"), .name = text_of(meta, "name")};
    MILLRACE_TRY(experiment.creation_time, integer_of(meta, "creation_time", 0));
    MILLRACE_TRY(experiment.last_update_time, integer_of(meta, "last_update_time", experiment.creation_time));
    MILLRACE_TRY(experiment.tags, pairs(folder + "/tags"));
    return experiment;
  }

  Result<void> add_inputs(const std::string& experiment, const std::string& folder, track::Run& run) {
    MILLRACE_TRY(const auto inputs, tree_.list(folder + "/inputs"));
    for (const auto& input : inputs) {
      MILLRACE_TRY(const auto meta, read_yaml(folder + "/inputs/" + input.name));
      const auto source = text_of(meta, "source_id");
      if (text_of(meta, "source_type") == "MODEL") {
        run.model_inputs.push_back(source);
        continue;
      }
      MILLRACE_TRY(const auto set, read_yaml(folders_[experiment] + "/datasets/" + source));
      track::DatasetInput dataset{{text_of(set, "name"), text_of(set, "digest"), text_of(set, "source_type"),
                                   text_of(set, "source"), text_of(set, "schema"), text_of(set, "profile")},
                                  {}};
      if (const auto* tags = meta.find("tags"); tags != nullptr)
        for (const auto& [key, value] : tags->entries()) dataset.tags.push_back({key, value.text()});
      run.datasets.push_back(std::move(dataset));
    }
    return {};
  }

  Result<void> add_outputs(const std::string& folder, track::Run& run) {
    MILLRACE_TRY(const auto outputs, tree_.list(folder + "/outputs"));
    for (const auto& output : outputs) {
      MILLRACE_TRY(const auto meta, read_yaml(folder + "/outputs/" + output.name));
      MILLRACE_TRY(const auto step, integer_of(meta, "step", 0));
      run.model_outputs.push_back({text_of(meta, "source_id"), step});
    }
    return {};
  }

  static Result<void> add_point(const track::RunInfo& run, const std::string& key, Point point,
                                std::vector<Point>& points) {
    if (points.size() >= limits::exchange_points)
      return Error{Code::too_large,
                   fmt::format("metric '{}' of run {} has more than {} points", key, run.id, limits::exchange_points)};
    points.push_back(std::move(point));
    return {};
  }

  Result<void> each_line(const std::string& file, bool of_model,
                         const std::function<Result<void>(Line& line)>& take) const {
    std::string rest;
    int64_t number = 0;
    const auto one = [&](std::string_view text) -> Result<void> {
      ++number;
      while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
      if (text.empty()) return {};
      Line line;
      if (text.size() > kLineBytes || !is_utf8(text) || !read_line(text, of_model, line))
        return Error{Code::corrupt, fmt::format("'{}' is no metric point", text.substr(0, 120))}
            .at({.file = tree_.path() + "/" + file, .line = static_cast<int>(number)})
            .hint("a line is 'timestamp value step'");
      return take(line);
    };
    MILLRACE_DO(tree_.stream(file, [&](std::string_view piece) -> Result<void> {
      for (size_t end = 0; (end = piece.find('\n')) != std::string_view::npos; piece.remove_prefix(end + 1)) {
        rest += piece.substr(0, end);
        MILLRACE_DO(one(rest));
        rest.clear();
      }
      if (rest.size() + piece.size() > kLineBytes)
        return Error{Code::corrupt, "a line is longer than a metric point can be"}.at(
            {.file = tree_.path() + "/" + file});
      rest += piece;
      return {};
    }));
    return one(rest);
  }

  // Points that were measured on a logged model are written to the model's folder too, with the run.
  Result<void> add_measured(const track::RunInfo& run, const std::string& key, std::vector<Point>& points) {
    MILLRACE_TRY(const auto* measured, measured_in(run.experiment_id));
    const auto found = measured->find({run.id, key});
    if (found == measured->end()) return {};
    std::vector<Point> on_models;
    for (const auto& model : found->second)
      MILLRACE_DO(each_line(model_metric(run.experiment_id, model, key), true, [&](Line& line) -> Result<void> {
        if (line.run != run.id) return {};
        line.measured.model_id = model;
        line.point.on = std::make_shared<Measured>(std::move(line.measured));
        return add_point(run, key, std::move(line.point), on_models);
      }));
    say_measured(points, std::move(on_models));
    return {};
  }

  // The models that each key of each run was measured on; read once an experiment.
  using MeasuredOn = std::map<std::pair<std::string, std::string>, std::set<std::string>>;
  Result<const MeasuredOn*> measured_in(const std::string& experiment) {
    if (const auto known = measured_.find(experiment); known != measured_.end()) return &known->second;
    MeasuredOn found;
    MILLRACE_TRY(const auto models, tree_.list(folders_[experiment] + "/models"));
    for (const auto& model : models) {
      if (model.kind != Entry::Kind::folder) continue;
      MILLRACE_TRY(const auto keys, files_below(folders_[experiment] + "/models/" + model.name + "/metrics"));
      for (const auto& key : keys)
        MILLRACE_DO(each_line(model_metric(experiment, model.name, key), true, [&](Line& line) -> Result<void> {
          found[{line.run, key}].insert(model.name);
          return {};
        }));
    }
    return &measured_.emplace(experiment, std::move(found)).first->second;
  }

  std::string model_metric(const std::string& experiment, const std::string& model, const std::string& key) {
    return folders_[experiment] + "/models/" + model + "/metrics/" + key;
  }

  Tree tree_;
  std::string name_;
  std::map<std::string, std::string> folders_;  // of experiments, by id
  std::map<std::string, MeasuredOn> measured_;
};

}  // namespace

Result<std::unique_ptr<Source>> open_mlruns(const std::string& folder) {
  MILLRACE_TRY(auto tree, Tree::open(folder));
  auto source = std::make_unique<FileSource>(std::move(tree));
  MILLRACE_TRY(const auto experiments, source->experiments());
  if (experiments.empty())
    return Error{Code::invalid, "there is no experiment in this folder"}
        .at({.file = folder})
        .hint("give a folder that MLflow's file store wrote: it holds a folder with meta.yaml for each experiment");
  return std::unique_ptr<Source>(std::move(source));
}

}  // namespace millrace::exchange
