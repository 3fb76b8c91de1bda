#include "versions/dvc/project.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "core/files.h"
#include "core/limits.h"
#include "core/yaml.h"

namespace millrace::versions::dvc {
namespace {

namespace fs = std::filesystem;

constexpr int kDepth = 64;
constexpr size_t kFiles = 100'000;  // of DVC's own

// The setting `dir` of the section [cache]; "" when the file has none.
std::string cache_setting(const std::string& file) {
  const auto text = read_file(file, 1 << 20);
  if (!text) return "";
  bool inside = false;
  for (size_t from = 0; from < text->size();) {
    const auto to = std::min(text->find('\n', from), text->size());
    auto line = text->substr(from, to - from);
    from = to + 1;
    std::erase(line, ' ');
    std::erase(line, '\t');
    std::erase(line, '\r');
    if (line.starts_with("[")) inside = line == "[cache]";
    if (inside && line.starts_with("dir=")) return line.substr(4);
  }
  return "";
}

std::vector<std::string> caches_of(const std::string& folder) {
  auto cache = folder + "/.dvc/cache";
  for (const auto* file : {"config", "config.local"}) {
    const auto set = cache_setting(folder + "/.dvc/" + file);
    if (!set.empty()) cache = set.starts_with("/") ? set : folder + "/.dvc/" + set;
  }
  return {cache + "/files/md5", cache};
}

// A path as DVC writes it, from the folder of the file that holds it.
Result<std::string> path_of(const std::string& folder, const std::string& wdir, const Yaml& at,
                            const std::string& text) {
  if (text.empty() || text.starts_with("/") || text.find("://") != std::string::npos)
    return at.error(fmt::format("'{}' lies outside of the project", text.substr(0, 120)))
        .hint("take it out of the DVC project, or import it by hand: millrace data add");
  return fs::path(folder + "/" + wdir + "/" + text).lexically_normal().string();
}

bool is_md5(std::string_view text) {
  if (text.ends_with(".dir")) text.remove_suffix(4);
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

class Reader {
 public:
  explicit Reader(std::string folder) { out_.folder = std::move(folder); }

  Result<Project> run() {
    out_.caches = caches_of(out_.folder);
    MILLRACE_DO(walk(out_.folder, 0));
    return std::move(out_);
  }

 private:
  // Outs are not looked into: they hold data, by the million.
  Result<void> walk(const std::string& folder, int depth) {
    if (depth > kDepth) return Error{Code::too_large, "folders within folders without end"}.at({.file = folder});
    std::vector<std::string> folders, files;
    std::error_code error;
    for (fs::directory_iterator each(folder, error), end; !error && each != end; each.increment(error)) {
      const auto name = each->path().filename().string();
      std::error_code ignored;
      if (each->is_symlink(ignored)) continue;
      if (each->is_directory(ignored) && !name.starts_with(".")) folders.push_back(each->path().string());
      if (each->is_regular_file(ignored) && (name.ends_with(".dvc") || name == "dvc.yaml" || name == "dvc.lock"))
        files.push_back(each->path().string());
    }
    if (error) return file_error("cannot list", folder, error.value());
    std::sort(files.begin(), files.end());
    std::sort(folders.begin(), folders.end());
    for (const auto& file : files) MILLRACE_DO(read(folder, file));
    for (const auto& each : folders)
      if (!outs_.contains(each)) MILLRACE_DO(walk(each, depth + 1));
    return {};
  }

  Result<void> read(const std::string& folder, const std::string& file) {
    if (++files_ > kFiles) return Error{Code::too_large, fmt::format("more than {} files of DVC's", kFiles)};
    MILLRACE_TRY(const auto root, load_yaml(file));
    if (file.ends_with(".dvc")) return read_outs(folder, root.string_or("wdir", "."), root, file, "");
    const auto* stages = root.find("stages");
    if (stages == nullptr) return {};
    for (const auto& [name, stage] : stages->entries()) {
      if (file.ends_with("dvc.yaml")) {
        MILLRACE_DO(read_stage(file, name, stage));
      } else {
        // dvc.lock does not repeat the working folder, and dvc.yaml is read after it: paths are of its own folder
        // unless the stage says otherwise.
        MILLRACE_TRY(const auto wdir, wdir_of(folder, name));
        MILLRACE_DO(read_outs(folder, wdir, stage, file, name));
      }
    }
    return {};
  }

  static Result<std::string> wdir_of(const std::string& folder, const std::string& name) {
    const auto file = folder + "/dvc.yaml";
    if (!exists(file)) return std::string(".");
    MILLRACE_TRY(const auto root, load_yaml(file));
    const auto* stages = root.find("stages");
    const auto* stage = stages == nullptr ? nullptr : stages->find(name.substr(0, name.find('@')));
    if (stage == nullptr) return std::string(".");
    const auto* body = stage->find("do");
    return (body != nullptr ? body : stage)->string_or("wdir", ".");
  }

  Result<void> read_outs(const std::string& folder, const std::string& wdir, const Yaml& at, const std::string& file,
                         const std::string& stage) {
    const auto* outs = at.find("outs");
    if (outs == nullptr) return {};
    for (const auto& each : outs->items()) {
      Out out{.declared = file, .stage = stage};
      MILLRACE_TRY(const auto path, each.get_string("path"));
      MILLRACE_TRY(out.path, path_of(folder, wdir, each, path));
      out.md5 = each.string_or("md5", "");
      if (!out.md5.empty() && !is_md5(out.md5)) return each.error(fmt::format("'{}' is no MD5", out.md5.substr(0, 80)));
      out.legacy = each.string_or("hash", "") != "md5";
      out.cached = each.string_or("cache", "true") != "false" && !uncached_.contains(out.path);
      if (outs_.insert(out.path).second) out_.outs.push_back(std::move(out));
    }
    return {};
  }

  // A name, or a map of the name to its options.
  static std::vector<std::pair<std::string, const Yaml*>> listed(const Yaml& stage, std::string_view key) {
    std::vector<std::pair<std::string, const Yaml*>> out;
    const auto* list = stage.find(key);
    if (list == nullptr) return out;
    for (const auto& each : list->items()) {
      if (each.is_scalar()) out.emplace_back(each.text(), nullptr);
      for (const auto& [name, options] : each.entries()) out.emplace_back(name, &options);
    }
    return out;
  }

  Result<void> read_stage(const std::string& file, const std::string& name, const Yaml& stage) {
    // foreach and matrix have the stage itself below `do`.
    const auto* body = stage.find("do");
    if (body == nullptr) body = &stage;
    Stage out{.file = file, .name = name};
    if (const auto* command = body->find("cmd"); command != nullptr) {
      MILLRACE_TRY(const auto lines, command->strings());
      for (const auto& line : lines) out.command += (out.command.empty() ? "" : " && ") + line;
    }
    for (const auto& [path, options] : listed(*body, "deps")) out.deps.push_back(path);
    for (const auto& [path, options] : listed(*body, "params")) out.params.push_back(path);
    const auto folder = parent_of(file);
    for (const auto* key : {"outs", "metrics", "plots"})
      for (const auto& [path, options] : listed(*body, key)) {
        out.outs.push_back(path);
        const auto full =
            fs::path(folder + "/" + body->string_or("wdir", ".") + "/" + path).lexically_normal().string();
        if (options != nullptr && options->string_or("cache", "true") == "false") {
          uncached_.insert(full);
          for (auto& each : out_.outs) each.cached = each.cached && each.path != full;  // dvc.lock came first
        }
      }
    out_.stages.push_back(std::move(out));
    return {};
  }

  Project out_;
  std::set<std::string> outs_, uncached_;
  size_t files_ = 0;
};

}  // namespace

Result<Project> read_project(const std::string& folder) {
  if (!exists(folder + "/.dvc"))
    return Error{Code::not_found, "this folder is no DVC project: there is no .dvc in it"}
        .at({.file = folder})
        .hint("name the folder in which `dvc init` was run");
  return Reader(folder).run();
}

}  // namespace millrace::versions::dvc
