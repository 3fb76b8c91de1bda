#include "pipeline/local/scratch.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/files.h"
#include "core/ids.h"
#include "pipeline/bounds.h"

namespace millrace::pipeline {
namespace fs = std::filesystem;
namespace {

// Every folder on the way must be a folder, not a link to one: an out is what the command wrote here.
Result<int64_t> check_out(const std::string& folder, const std::string& path) {
  struct stat info {};
  for (size_t end = path.find('/');; end = path.find('/', end + 1)) {
    const auto part = path.substr(0, end);
    const auto full = folder + "/" + part;
    if (::lstat(full.c_str(), &info) != 0) {
      if (errno != ENOENT) return file_error("cannot stat", full, errno);
      return Error{Code::rejected, fmt::format("the command did not make its out '{}'", path)}.hint(
          "write the file there, or take it from outs");
    }
    if (S_ISLNK(info.st_mode))
      return Error{Code::rejected, fmt::format("the out '{}' is or goes through a link", path)}.hint(
          "write a plain file");
    if (end == std::string::npos) break;
  }
  if (!S_ISREG(info.st_mode))
    return Error{Code::rejected, fmt::format("the out '{}' is not a plain file", path)}.hint(
        "name each file of a folder as an out");
  return static_cast<int64_t>(info.st_size);
}

}  // namespace

Result<Scratch> Scratch::make(const std::string& work_folder, const std::string& id) {
  if (!is_name(id)) return Error{Code::internal, fmt::format("'{}' is no name of a folder", id)};
  Scratch out(work_folder + "/" + id);
  if (exists(out.folder_))
    return Error{Code::conflict, "the folder of this run is there already"}.at(
        {.file = std::exchange(out.folder_, "")});
  for (const auto& folder : {out.files(), out.home(), out.temp()}) MILLRACE_DO(make_folders(folder));
  return out;
}

Scratch::~Scratch() {
  if (folder_.empty()) return;
  // What cannot be removed now is removed at the next start.
  (void)remove_tree(folder_).ok();
}

Result<void> Scratch::fill(const store::Blobs& blobs, const Json& components) {
  std::set<std::string> executable;
  for (const auto& path : components.value("executable", Json::array())) executable.insert(path.get<std::string>());
  for (const auto& [path, digest] : components.at("code").items())
    MILLRACE_DO(place(blobs, path, digest.get<std::string>(), executable.contains(path) ? 0700 : 0600));
  for (const auto& [stage, outs] : components.at("stages").items())
    for (const auto& [path, digest] : outs.items())
      MILLRACE_DO(place(blobs, fmt::format("{}/{}", stage, path), digest.get<std::string>(), 0600));
  std::map<std::string, int> numbers;
  for (const auto& version : components.at("datasets")) {
    const auto name = string_or(version, "name", "");
    MILLRACE_DO(
        place(blobs, fmt::format("{}/{}.parquet", name, ++numbers[name]), string_or(version, "file", ""), 0600));
  }
  return {};
}

Result<void> Scratch::place(const store::Blobs& blobs, const std::string& path, const std::string& digest,
                            unsigned mode) {
  const std::string to = files() + "/" + path;
  MILLRACE_TRY(const auto from, blobs.path_of(digest));
  MILLRACE_DO(blobs.verify(digest));
  if (exists(to))
    return Error{Code::invalid, fmt::format("two deps would both stand at '{}'", path)}.hint(
        "rename the file or the stage");
  MILLRACE_DO(make_folders(parent_of(to)));
  MILLRACE_DO(copy_file(from, to));
  if (::chmod(to.c_str(), mode) != 0) return file_error("cannot set the mode", to, errno);
  deps_.push_back(path);
  return {};
}

Result<Made> Scratch::collect(const std::vector<std::string>& outs) const {
  Made made;
  std::set<std::string> declared(deps_.begin(), deps_.end());
  for (const auto& out : outs) {
    MILLRACE_TRY(const auto size, check_out(files(), out));
    made.outs.push_back({out, files() + "/" + out, size});
    declared.insert(out);
  }
  std::error_code error;
  size_t seen = 0;
  const std::string prefix = files() + "/";
  for (auto entry = fs::recursive_directory_iterator(files(), error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (++seen > bounds::scratch_files)
      return Error{Code::too_large, fmt::format("the command left more than {} files", bounds::scratch_files)};
    if (entry->is_directory(error) && !entry->is_symlink(error)) continue;
    if (!declared.contains(entry->path().string().substr(prefix.size()))) ++made.undeclared;
  }
  if (error) return file_error("cannot read the folder", files(), error.value());
  return made;
}

Result<void> clear_work_folder(const std::string& work_folder) {
  MILLRACE_DO(make_folders(work_folder));
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(work_folder, error)) MILLRACE_DO(remove_tree(entry.path().string()));
  if (error) return file_error("cannot read the folder", work_folder, error.value());
  return {};
}

}  // namespace millrace::pipeline
