#include "pipeline/definition/code_files.h"

#include <glob.h>

#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "core/files.h"
#include "pipeline/bounds.h"

namespace millrace::pipeline {
namespace fs = std::filesystem;
namespace {

// glob(3) reads the folder's own name as a pattern too, so that its special characters are quoted.
std::string quoted_for_glob(const std::string& folder) {
  std::string out;
  for (const char c : folder) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

struct Matches {
  glob_t found{};
  ~Matches() { ::globfree(&found); }
};

Result<void> add_file(const std::string& folder, const FileDep& dep, const std::string& path,
                      std::set<std::string>& into) {
  std::error_code error;
  const auto real = fs::canonical(folder + "/" + path, error);
  const auto root = fs::canonical(folder, error).string() + "/";
  if (error) return file_error("cannot resolve", folder + "/" + path, error.value());
  if (!real.string().starts_with(root))
    return Error{Code::denied, fmt::format("'{}' is a link that leads out of the project", path)}.at(dep.where).hint(
        "copy the file into the project");
  if (!fs::is_regular_file(real, error))
    return Error{Code::invalid, fmt::format("'{}' is not a file", path)}.at(dep.where).hint(
        fmt::format("name files, e.g. {}/*.py", path));
  into.insert(path);
  if (into.size() > bounds::code_files)
    return Error{Code::too_large, fmt::format("a stage declares more than {} files", bounds::code_files)}.at(dep.where);
  return {};
}

Result<void> add_pattern(const std::string& folder, const FileDep& dep, std::set<std::string>& into) {
  Matches matches;
  const std::string prefix = folder + "/";
  const int done = ::glob((quoted_for_glob(folder) + "/" + dep.pattern).c_str(), GLOB_NOSORT, nullptr, &matches.found);
  if (done != 0 && done != GLOB_NOMATCH)
    return Error{Code::unavailable, fmt::format("cannot read the folders of '{}'", dep.pattern)}.at(dep.where);
  size_t files = 0;
  for (size_t i = 0; i < matches.found.gl_pathc; ++i) {
    std::error_code error;
    const std::string path = matches.found.gl_pathv[i];
    if (!fs::is_regular_file(path, error)) continue;
    MILLRACE_DO(add_file(folder, dep, path.substr(prefix.size()), into));
    ++files;
  }
  if (files == 0)
    return Error{Code::not_found, fmt::format("'{}' matches no file", dep.pattern)}.at(dep.where).hint(
        "check the pattern; it is relative to the project");
  return {};
}

}  // namespace

bool is_pattern(std::string_view path) { return path.find_first_of("*?[") != std::string_view::npos; }

Result<std::vector<std::string>> expand_code_files(const std::string& folder, const std::vector<FileDep>& deps) {
  std::set<std::string> files;
  for (const auto& dep : deps) {
    if (is_pattern(dep.pattern)) {
      MILLRACE_DO(add_pattern(folder, dep, files));
      continue;
    }
    if (!exists(folder + "/" + dep.pattern))
      return Error{Code::not_found, fmt::format("the file '{}' does not exist", dep.pattern)}.at(dep.where).hint(
          "check the path; it is relative to the project");
    MILLRACE_DO(add_file(folder, dep, dep.pattern, files));
  }
  return std::vector<std::string>(files.begin(), files.end());
}

}  // namespace millrace::pipeline
