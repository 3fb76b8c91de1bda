#include "versions/workspace.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "core/limits.h"
#include "core/yaml.h"

namespace millrace::versions {
namespace {

constexpr size_t kManifestBytes = 64 << 20;
constexpr size_t kIgnoreBytes = 1 << 20;

bool is_within(const std::string& path, const std::string& folder) {
  return path == folder || path.starts_with(folder + "/");
}

// One line that git reads as this name and nothing else.
std::string ignored_name(const std::string& name) {
  std::string out = "/";
  for (const char c : name) {
    if (std::string_view("\\*?[]!# ").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string git_top(const std::string& from) {
  for (std::string at = from;; at = parent_of(at)) {
    if (exists(at + "/.git")) return at;
    if (at == "/" || at == ".") return "";
  }
}

}  // namespace

Place find_place(const std::string& start, const std::string& state) {
  auto from = start;
  while (from.size() > 1 && from.ends_with('/')) from.pop_back();
  std::string root;
  for (std::string at = from; root.empty(); at = parent_of(at)) {
    if (exists(at + "/" + std::string(kTrackedFile)) || exists(at + "/millrace.yaml") || exists(at + "/.millrace"))
      root = at;
    if (at == "/" || at == ".") break;
  }
  if (root.empty()) root = git_top(from);
  if (root.empty()) root = from;
  return {.root = root, .versions = (state.empty() ? root + "/.millrace" : state) + "/versions"};
}

Result<LockFile> lock_for_change(const Place& place, const std::string& what) {
  MILLRACE_DO(make_folders(place.versions));
  auto lock = LockFile::take(place.versions + "/lock", "millrace " + what);
  if (lock || lock.error().code() != Code::conflict) return lock;
  return Error{Code::conflict, lock.error().message()}
      .at(lock.error().where())
      .hint("wait until it is done; a process that died holds no lock");
}

Result<Descriptor> lock_objects(const Place& place, Sharing sharing) {
  MILLRACE_DO(make_folders(place.versions));
  const auto file = place.versions + "/objects.lock";
  Descriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return file_error("cannot open the lock file", file, errno);
  if (::flock(lock.get(), (sharing == Sharing::alone ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0) return lock;
  return Error{Code::conflict, sharing == Sharing::alone ? "objects are being read (by a push or a query)"
                                                         : "garbage is being collected"}
      .at({.file = file})
      .hint("do it again when that is done");
}

Result<Workspace> Workspace::open(const Place& place, Context& context) {
  MILLRACE_TRY(auto objects, Objects::open(place.versions));
  // The state folder is nothing for git.
  const auto ignore = parent_of(place.versions) + "/.gitignore";
  if (!exists(ignore)) MILLRACE_DO(write_file(ignore, "*\n", 0644));
  Workspace out(place, context, std::move(objects));
  const auto file = place.root + "/" + std::string(kTrackedFile);
  if (exists(file)) {
    MILLRACE_TRY(const auto text, read_file(file, limits::yaml_bytes));
    MILLRACE_TRY(out.tracked_, read_tracked(text, file));
  }
  return out;
}

Fetch Workspace::fetch() const {
  return [this](const Digest& digest) { return objects_.read(digest, kManifestBytes); };
}

Result<std::string> Workspace::relative(const std::string& path, const std::string& from) const {
  auto full = path.starts_with("/") ? path : from + "/" + path;
  std::vector<std::string> parts;
  for (size_t at = 0; at < full.size();) {
    const auto end = std::min(full.find('/', at), full.size());
    const auto part = full.substr(at, end - at);
    at = end + 1;
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(part);
  }
  full.clear();
  for (const auto& part : parts) full += "/" + part;
  const auto refuse = [&](std::string_view why) {
    return Error{Code::invalid, fmt::format("'{}' {}", path, why)}.at({.file = place_.root});
  };
  if (!full.starts_with(place_.root + "/"))
    return refuse(full == place_.root ? "is the top folder itself" : "lies outside of this folder")
        .hint("add what lies below it");
  const auto out = full.substr(place_.root.size() + 1);
  for (const auto& part : parts)
    if (part == ".git" || part == ".millrace" || part.starts_with(kBeside))
      return refuse("belongs to git or to Millrace itself");
  if (is_within(place_.versions, full) || out == kTrackedFile) return refuse("belongs to Millrace itself");
  return safe_relative(out);
}

Result<std::string> Workspace::tracked_path(const std::string& path) const {
  if (tracked_.paths.contains(path)) return path;
  std::vector<std::string> names;
  for (const auto& [name, entry] : tracked_.paths) {
    if (is_within(path, name))
      return Error{Code::not_found, fmt::format("'{}' is not tracked by itself", path)}.hint(
          fmt::format("it is part of '{}'", name));
    names.push_back(name);
  }
  const auto near = did_you_mean(path, names);
  return Error{Code::not_found, fmt::format("'{}' is not tracked", path)}.hint(
      near ? fmt::format("did you mean '{}'?", *near) : fmt::format("millrace data add {}", path));
}

Result<void> Workspace::track(const TrackedPaths& paths) {
  for (const auto& [path, entry] : paths) {
    for (const auto& [other, known] : tracked_.paths)
      if (other != path && (is_within(path, other) || is_within(other, path)))
        return Error{Code::conflict,
                     fmt::format("'{}' and '{}', which is tracked, lie within one another", path, other)}
            .hint("add the tracked one, or take it out of millrace-data.yaml first");
    tracked_.paths[path] = entry;
    MILLRACE_DO(ignore(path));
  }
  return save();
}

Result<void> Workspace::replace_tracked(const TrackedPaths& paths) {
  tracked_.paths = paths;
  return save();
}

Result<void> Workspace::set_remote(const std::string& remote) {
  tracked_.remote = remote;
  return save();
}

Result<void> Workspace::save() {
  return write_file(place_.root + "/" + std::string(kTrackedFile), write_tracked(tracked_), 0644);
}

Result<void> Workspace::ignore(const std::string& path) const {
  if (git_top(place_.root).empty()) return {};
  const auto folder = parent_of(full(path));
  const auto file = folder + "/.gitignore";
  const auto line = ignored_name(path.substr(path.rfind('/') + 1));
  std::string text;
  if (exists(file)) {
    MILLRACE_TRY(text, read_file(file, kIgnoreBytes));
    if (("\n" + text + "\n").find("\n" + line + "\n") != std::string::npos) return {};
  }
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  return write_file(file, text + line + "\n", 0644);
}

std::string Workspace::index_file(const std::string& path) const {
  return place_.versions + "/index/" + hash_of(path).hex().substr(0, 40);
}

}  // namespace millrace::versions
