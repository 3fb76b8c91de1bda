#include <algorithm>
#include <cstdlib>
#include <deque>

#include <fmt/format.h>

#include "core/files.h"
#include "core/hash.h"
#include "pipeline/bounds.h"
#include "pipeline/local/execute.h"
#include "pipeline/local/process.h"

namespace millrace::pipeline {
namespace {

constexpr Micros kSecond = 1'000'000;

// The newest moment of the data behind the stage, so that tools that stamp their output stamp the same each time.
int64_t source_date_epoch(const Json& components) {
  int64_t newest = 0;
  for (const auto& version : components.value("data_behind", Json::array())) {
    const auto to = integer_or(version, "period_to", 0);
    if (to != INT64_MAX) newest = std::max(newest, to / kSecond);
  }
  return newest;
}

Result<void> write_notes(const Json& components, const std::string& folder) {
  Json datasets = Json::array();
  for (const auto& version : components.value("data_behind", Json::array()))
    datasets.push_back(
        {{"name", version.at("name")}, {"version", version.at("version")}, {"digest", version.at("digest")}});
  MILLRACE_DO(write_file(folder + "/params.json", to_text(components.at("params")) + "\n"));
  return write_file(folder + "/datasets.json", to_text(datasets) + "\n");
}

// A value taken from our own environment must still be the one whose digest is in the key.
Result<void> add_declared(const Json& components, std::vector<std::string>& into) {
  const Json env = components.value("env", Json::object());
  for (const auto& [name, kept] : env.items()) {
    if (const auto* value = find(kept, "value")) {
      into.push_back(fmt::format("{}={}", name, value->get<std::string>()));
      continue;
    }
    const char* now = std::getenv(name.c_str());
    const Json digest = now != nullptr ? Json(digest_of(now)) : Json(nullptr);
    if (digest != kept.at("digest"))
      return Error{Code::conflict, fmt::format("the environment variable {} is not what it was for this record", name)}
          .hint("set it as it was, or run the stage again");
    if (now != nullptr) into.push_back(fmt::format("{}={}", name, now));
  }
  return {};
}

Result<std::vector<std::string>> environment_of(const Execution& execution, const Scratch& scratch) {
  const auto& components = execution.components;
  const auto seed = integer_or(components, "seed", 0);
  const auto threads = integer_or(components.at("environment"), "threads", 1);
  std::vector<std::string> out;
  const auto set = [&](std::string_view name, const auto& value) { out.push_back(fmt::format("{}={}", name, value)); };
  set("PATH", execution.parts.path);
  set("HOME", scratch.home());
  set("TMPDIR", scratch.temp());
  set("MILLRACE_STAGE", execution.stage.name);
  set("MILLRACE_SEED", seed);
  set("MILLRACE_THREADS", threads);
  set("MILLRACE_PARAMS", scratch.folder() + "/params.json");
  set("MILLRACE_DATASETS", scratch.folder() + "/datasets.json");
  set("OMP_NUM_THREADS", threads);
  set("OMP_WAIT_POLICY", "passive");  // threads that spin while they wait starve each other on shared cores
  set("OPENBLAS_NUM_THREADS", threads);
  set("MKL_NUM_THREADS", threads);
  set("PYTHONHASHSEED", seed);
  set("PYTHONDONTWRITEBYTECODE", 1);
  set("PYTHONUNBUFFERED", 1);
  set("SOURCE_DATE_EPOCH", source_date_epoch(components));
  set("TZ", "UTC");
  set("LC_ALL", "C.UTF-8");
  set("DO_NOT_TRACK", "true");
  set("MLFLOW_DISABLE_TELEMETRY", "true");
  if (!execution.run_id.empty()) {
    set("MLFLOW_RUN_ID", execution.run_id);
    set("MLFLOW_TRACKING_URI", execution.tracking_uri);
  }
  MILLRACE_DO(add_declared(components, out));
  return out;
}

Result<std::string> resolve(const std::string& word, const Execution& execution, const Scratch& scratch) {
  if (word.starts_with('/')) return word;
  if (word.find('/') != std::string::npos) return scratch.files() + "/" + word;
  return find_program(word, execution.parts.path);
}

// Output as it comes to the job's log, and its last lines for the error.
class Output {
 public:
  explicit Output(const Execution& execution) : execution_(execution) {}

  void take(std::string_view line) {
    tail_.emplace_back(line);
    if (tail_.size() > bounds::tail_lines) tail_.pop_front();
    if (++lines_ <= bounds::log_lines) execution_.running.log(fmt::format("[{}] {}", execution_.stage.name, line));
  }
  void finish() const {
    if (lines_ > bounds::log_lines)
      execution_.running.log(
          fmt::format("[{}] {} more lines are not kept", execution_.stage.name, lines_ - bounds::log_lines));
  }
  std::string tail() const {
    std::string out;
    for (const auto& line : tail_) out += "\n  " + line;
    return out.empty() ? " (it printed nothing)" : out;
  }

 private:
  const Execution& execution_;
  std::deque<std::string> tail_;
  size_t lines_ = 0;
};

Error failure(const Execution& execution, const ProcessEnd& end, const Output& output) {
  Code code = Code::rejected;
  std::string hint = "its last lines above say why; run it again when that is mended";
  if (end.how == ProcessEnd::How::timed_out)
    code = Code::timeout, hint = fmt::format("it has {} s: raise the stage's timeout", execution.stage.timeout_seconds);
  if (end.how == ProcessEnd::How::cancelled) code = Code::unavailable, hint = "run it again";
  return Error{code,
               fmt::format("the stage '{}' {}; its last lines:{}", execution.stage.name, end.text(), output.tail())}
      .at(execution.stage.where)
      .hint(hint);
}

}  // namespace

Result<Made> execute_command(const Execution& execution, Scratch& scratch) {
  const auto& components = execution.components;
  MILLRACE_DO(scratch.fill(execution.parts.blobs, components));
  MILLRACE_DO(write_notes(components, scratch.folder()));
  ProcessSpec spec{.words = components.at("command").get<std::vector<std::string>>(),
                   .folder = scratch.files(),
                   .timeout = execution.stage.timeout_seconds * kSecond,
                   .grace = bounds::grace_seconds * kSecond};
  MILLRACE_TRY(spec.program, resolve(spec.words.front(), execution, scratch));
  MILLRACE_TRY(spec.environment, environment_of(execution, scratch));
  spec.words.front() = spec.program;  // some programs look beside their own name for what belongs to them
  for (const auto& out : components.at("outs"))
    MILLRACE_DO(make_folders(parent_of(scratch.files() + "/" + out.get<std::string>())));
  Output output(execution);
  spec.on_line = [&](bool, std::string_view line) { output.take(line); };
  spec.cancelled = [&] { return execution.running.cancelled(); };
  auto end = run_process(spec, execution.parts.context.clock);
  if (!end) return std::move(end).error().at(execution.stage.where);
  output.finish();
  if (!end->ok()) return failure(execution, *end, output);
  return scratch.collect(components.at("outs").get<std::vector<std::string>>());
}

Result<Made> execute(const Execution& execution, Scratch& scratch) {
  return string_or(execution.components, "kind", "") == "sql" ? execute_sql(execution, scratch)
                                                              : execute_command(execution, scratch);
}

}  // namespace millrace::pipeline
