#include "pipeline/key/environment.h"

#include <filesystem>

#include <fmt/format.h>

#include "core/files.h"
#include "pipeline/local/process.h"

namespace millrace::pipeline {
namespace fs = std::filesystem;
namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// "	libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f...)" or "	/lib64/ld-linux-x86-64.so.2 (0x...)"
std::string library_of(std::string_view line) {
  const auto start = line.find('/');
  const auto end = line.find(" (0x");
  if (start == std::string_view::npos || end == std::string_view::npos || end < start) return "";
  return std::string(line.substr(start, end - start));
}

}  // namespace

Json processor_class() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  Json features = Json::array();
  const auto note = [&](const char* name, bool there) {
    if (there) features.push_back(name);
  };
  note("avx", __builtin_cpu_supports("avx"));
  note("avx2", __builtin_cpu_supports("avx2"));
  note("avx512bw", __builtin_cpu_supports("avx512bw"));
  note("avx512dq", __builtin_cpu_supports("avx512dq"));
  note("avx512f", __builtin_cpu_supports("avx512f"));
  note("avx512vl", __builtin_cpu_supports("avx512vl"));
  note("avx512vnni", __builtin_cpu_supports("avx512vnni"));
  note("fma", __builtin_cpu_supports("fma"));
  note("sse4.2", __builtin_cpu_supports("sse4.2"));
  const bool v2 =
      __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("popcnt");
  const bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return {{"arch", "x86_64"},
          {"level", v4   ? "x86-64-v4"
                    : v3 ? "x86-64-v3"
                    : v2 ? "x86-64-v2"
                         : "x86-64"},
          {"features", std::move(features)}};
#else
  return {{"arch", "other"}};
#endif
}

Result<Json> EnvironmentReader::read(const Caller& caller, const Pipeline& pipeline, const Stage& stage) {
  MILLRACE_TRY(auto out, stage.kind == StageKind::sql ? of_sql(caller) : of_command(caller, pipeline, stage));
  out["cpu"] = processor_class();
  out["threads"] = stage.threads;
  return out;
}

Result<Json> EnvironmentReader::of_sql(const Caller& caller) {
  MILLRACE_TRY(const auto engine, parts_.engines.open({.threads = 1}));
  Json out = {{"engine", engine->describe()}, {"libraries", Json::object()}};
  if (parts_.engine_library.empty()) return out;
  MILLRACE_TRY(const auto digest, digests_.digest(caller, parts_.engine_library));
  out["libraries"][fs::path(parts_.engine_library).filename().string()] = digest;
  return out;
}

Result<Json> EnvironmentReader::of_command(const Caller& caller, const Pipeline& pipeline, const Stage& stage) {
  Json out = Json::object(), libraries = Json::object();
  const auto& interpreter = pipeline.environment.interpreter;
  if (!interpreter.empty()) {
    MILLRACE_TRY(const auto path, find_program(interpreter, parts_.path));
    MILLRACE_TRY(out["interpreter"], program(caller, interpreter, behind_wrapper(interpreter, path), libraries));
    MILLRACE_TRY(const auto version, output_of(path, {"--version"}, bare(), "/", parts_.context.clock));
    out["interpreter"]["version"] = first_line(version);
  }
  // A program named by a relative path is one of the stage's own files and counts as code.
  const auto& first = stage.command.front();
  if (first != interpreter && (first.starts_with('/') || first.find('/') == std::string::npos)) {
    auto path = first.starts_with('/') ? Result<std::string>(first) : find_program(first, parts_.path);
    if (!path) return std::move(path).error().at(stage.where);
    MILLRACE_TRY(out["program"], program(caller, first, *path, libraries));
  }
  if (!pipeline.environment.lock.empty()) {
    MILLRACE_TRY(out["lock"], digests_.digest(caller, pipeline.folder + "/" + pipeline.environment.lock));
  }
  out["libraries"] = std::move(libraries);
  return out;
}

// Version managers put scripts on PATH that choose an interpreter; Python can be asked which one it is.
std::string EnvironmentReader::behind_wrapper(const std::string& interpreter, const std::string& path) const {
  if (!interpreter.starts_with("python")) return path;
  const auto answer =
      output_of(path, {"-I", "-c", "import sys; print(sys.executable)"}, bare(), "/", parts_.context.clock);
  if (!answer || !first_line(*answer).starts_with('/')) return path;
  return first_line(*answer);
}

Result<Json> EnvironmentReader::program(const Caller& caller, const std::string& name, const std::string& path,
                                        Json& libraries) {
  std::error_code error;
  const auto real = fs::canonical(path, error).string();
  if (error) return file_error("cannot resolve", path, error.value());
  MILLRACE_TRY(const auto digest, digests_.digest(caller, real));
  MILLRACE_DO(add_libraries(caller, real, libraries));
  return Json{{"name", name}, {"digest", digest}};
}

// The loader itself lists what it would load; it runs nothing of the program. A script or a static program has no list.
Result<void> EnvironmentReader::add_libraries(const Caller& caller, const std::string& program, Json& libraries) {
  const auto ldd = find_program("ldd", parts_.path);
  if (!ldd) return {};
  const auto listed = output_of(*ldd, {program}, bare(), "/", parts_.context.clock);
  if (!listed) return {};
  for (size_t from = 0; from < listed->size();) {
    const size_t to = listed->find('\n', from);
    const auto library = library_of(std::string_view(*listed).substr(from, to - from));
    from = to + 1;
    if (library.empty()) continue;
    MILLRACE_TRY(const auto digest, digests_.digest(caller, library));
    libraries[fs::path(library).filename().string()] = digest;
  }
  return {};
}

std::vector<std::string> EnvironmentReader::bare() const {
  return {"PATH=" + parts_.path, "LC_ALL=C.UTF-8", "TZ=UTC", "HOME=/nonexistent"};
}

Json EnvironmentReader::git(const std::string& folder) const {
  const auto git = find_program("git", parts_.path);
  if (!git) return nullptr;
  // Nothing of the machine's configuration, no hooks, no watcher, no lock taken: a look must not change or start
  // anything.
  auto environment = bare();
  for (const char* setting :
       {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0"})
    environment.emplace_back(setting);
  const auto ask = [&](std::vector<std::string> words) {
    std::vector<std::string> all{"-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"};
    all.insert(all.end(), words.begin(), words.end());
    return output_of(*git, all, environment, folder, parts_.context.clock);
  };
  const auto commit = ask({"rev-parse", "--verify", "HEAD"});
  if (!commit) return nullptr;
  const auto changes = ask({"status", "--porcelain", "--untracked-files=no", "--", "."});
  return {{"commit", first_line(*commit)}, {"dirty", changes ? Json(!changes->empty()) : Json(nullptr)}};
}

}  // namespace millrace::pipeline
