#include "versions/dvc/import.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <fmt/format.h>

#include "core/json.h"
#include "versions/dvc/md5.h"

namespace millrace::versions::dvc {
namespace {

constexpr size_t kListBytes = 1 << 30;

struct Scratch {
  std::string path;
  ~Scratch() { (void)remove_tree(path); }
};

struct Member {
  std::string relative, md5;
};

bool is_plain_file(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

Result<bool> holds(const std::string& path, const std::string& md5, bool legacy) {
  if (!is_plain_file(path)) return false;
  MILLRACE_TRY(const auto found, md5_of_file(path, Lines::as_they_are));
  if (found == md5) return true;
  if (!legacy) return false;
  MILLRACE_TRY(const auto unix_lines, md5_of_file(path, Lines::unix_lines));
  return unix_lines == md5;
}

class Import {
 public:
  Import(Workspace& workspace, const Project& project, std::string scratch)
      : workspace_(workspace), project_(project), scratch_{std::move(scratch)} {}

  Result<Imported> run(const Why& why) {
    MILLRACE_DO(make_folders(scratch_.path));
    TrackedPaths changed;
    for (const auto& out : project_.outs) {
      if (!out.cached) {
        out_.of_git.push_back(out);
        continue;
      }
      MILLRACE_TRY(const auto path, workspace_.relative(out.path, workspace_.place().root));
      const auto staged = fmt::format("{}/{}", scratch_.path, ++number_);
      MILLRACE_TRY(const bool whole, out.md5.empty() ? Result<bool>(false) : stage(out, staged));
      if (!whole) {
        out_.missing.push_back(out);
        continue;
      }
      MILLRACE_TRY(auto captured,
                   capture(workspace_.objects(), workspace_.context(), target_of(staged, false), nullptr));
      MILLRACE_DO(workspace_.objects().reload());
      const auto known = workspace_.tracked().paths.find(path);
      const bool same = known != workspace_.tracked().paths.end() && known->second.same_content(captured.index.top);
      changed[path] = captured.index.top;
      out_.paths.push_back({path, captured.index.top, !same, captured.read_files, captured.written});
      MILLRACE_DO(remove_tree(staged));
    }
    if (changed.empty()) return std::move(out_);
    MILLRACE_DO(workspace_.track(changed));
    MILLRACE_TRY(out_.snapshot, snapshot_now(workspace_, {}, why));
    return std::move(out_);
  }

 private:
  // Puts the content of an out at `staged`; false when some of it is nowhere.
  Result<bool> stage(const Out& out, const std::string& staged) const {
    if (!out.md5.ends_with(".dir")) return stage_file(out.md5, out.legacy, out.path, staged);
    MILLRACE_TRY(const auto members, members_of(out));
    if (!members) return false;
    MILLRACE_DO(make_folders(staged));
    for (const auto& member : *members) {
      const auto to = staged + "/" + member.relative;
      std::error_code error;
      std::filesystem::create_directories(parent_of(to), error);
      if (error) return file_error("cannot make the folder", parent_of(to), error.value());
      MILLRACE_TRY(const bool found, stage_file(member.md5, out.legacy, out.path + "/" + member.relative, to));
      if (!found) return false;
    }
    return true;
  }

  Result<bool> stage_file(const std::string& md5, bool legacy, const std::string& place, const std::string& to) const {
    std::vector<std::string> candidates;
    for (const auto& cache : project_.caches)
      candidates.push_back(cache + "/" + md5.substr(0, 2) + "/" + md5.substr(2));
    candidates.push_back(place);
    for (const auto& from : candidates) {
      MILLRACE_TRY(const bool right, holds(from, md5, legacy));
      if (!right) continue;
      if (::link(from.c_str(), to.c_str()) != 0) MILLRACE_DO(copy_file(from, to));
      return true;
    }
    return false;
  }

  // What a folder holds, as its list in the cache says; nothing when the list is not there.
  Result<std::optional<std::vector<Member>>> members_of(const Out& out) const {
    for (const auto& cache : project_.caches) {
      const auto file = cache + "/" + out.md5.substr(0, 2) + "/" + out.md5.substr(2);
      if (!exists(file)) continue;
      MILLRACE_TRY(const auto found, md5_of_file(file, Lines::as_they_are));
      if (found != out.md5.substr(0, 32))
        return Error{Code::corrupt, "the list of a folder in DVC's cache is not what its name says"}
            .at({.file = file})
            .hint("remove it and run dvc pull");
      MILLRACE_TRY(const auto text, read_file(file, kListBytes));
      MILLRACE_TRY(const auto members, read_members(text, file));
      return std::optional(members);
    }
    return std::optional<std::vector<Member>>();
  }

  static Result<std::vector<Member>> read_members(const std::string& text, const std::string& file) {
    const auto broken = [&] {
      return Error{Code::invalid, "the list of a folder in DVC's cache cannot be read"}.at({.file = file});
    };
    const auto json = Json::parse(text, nullptr, false);  // larger than what parse_json() takes
    if (!json.is_array()) return broken();
    std::vector<Member> out;
    for (const auto& each : json) {
      const auto md5 = string_or(each, "md5", "");
      const auto path = safe_relative(string_or(each, "relpath", ""));
      if (md5.size() != 32 || md5.find_first_not_of("0123456789abcdef") != std::string::npos || !path) return broken();
      out.push_back({*path, md5});
    }
    return out;
  }

  Workspace& workspace_;
  const Project& project_;
  Scratch scratch_;
  int64_t number_ = 0;
  Imported out_;
};

}  // namespace

Result<Imported> import(Workspace& workspace, const Project& project, const Why& why) {
  return Import(workspace, project, workspace.objects().incoming_folder() + "/dvc-" + workspace.context().uuid())
      .run(why);
}

}  // namespace millrace::versions::dvc
