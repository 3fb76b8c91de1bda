// millrace-data.yaml: read and written.
#include <fmt/format.h>

#include "core/yaml.h"
#include "versions/workspace.h"

namespace millrace::versions {
namespace {

constexpr int64_t kFormat = 1;

Result<Kind> read_kind(const std::string& text) {
  for (const auto kind : {Kind::file, Kind::exec, Kind::tree})
    if (text == name_of(kind)) return kind;
  return Error{Code::invalid, fmt::format("'{}' is none of file, exec, tree", text.substr(0, 40))};
}

// No path is within another: each file belongs to one of them.
Result<void> check_apart(const TrackedPaths& paths) {
  const std::string* before = nullptr;
  for (const auto& [path, entry] : paths) {
    if (before != nullptr && path.starts_with(*before + "/"))
      return Error{Code::invalid,
                   fmt::format("'{}' is tracked and lies within '{}', which is tracked too", path, *before)};
    if (before == nullptr || entry.kind == Kind::tree) before = &path;
  }
  return {};
}

Result<Entry> read_entry(const Yaml& at) {
  MILLRACE_DO(at.only_keys({"kind", "digest", "files", "bytes"}));
  Entry entry;
  const auto kind = read_kind(at.string_or("kind", ""));
  if (!kind) return at.error(kind.error().message());
  entry.kind = *kind;
  MILLRACE_TRY(const auto text, at.get_string("digest"));
  auto digest = read_digest(text);
  if (!digest) return std::move(digest).error().at(at.where());
  entry.digest = *digest;
  MILLRACE_TRY(const auto* files, at.get("files"));
  MILLRACE_TRY(entry.files, files->integer());
  MILLRACE_TRY(const auto* bytes, at.get("bytes"));
  MILLRACE_TRY(entry.size, bytes->integer());
  return entry;
}

Json to_json(const Entry& entry) {
  return {
      {"kind", name_of(entry.kind)}, {"digest", entry.digest.text()}, {"files", entry.files}, {"bytes", entry.size}};
}

}  // namespace

Result<Tracked> read_tracked(std::string_view text, const std::string& file) {
  MILLRACE_TRY(const auto root, parse_yaml(text, file));
  MILLRACE_DO(root.only_keys({"millrace_data", "remote", "tracked"}));
  MILLRACE_TRY(const auto* format, root.get("millrace_data"));
  MILLRACE_TRY(const auto number, format->integer());
  if (number != kFormat)
    return format->error(fmt::format("this is format {}, and this Millrace reads {}", number, kFormat))
        .hint("a newer Millrace wrote it: update this one");
  Tracked out;
  out.remote = root.string_or("remote", "");
  const auto* tracked = root.find("tracked");
  if (tracked == nullptr) return out;
  for (const auto& [path, at] : tracked->entries()) {
    auto safe = safe_relative(path);
    if (!safe) return std::move(safe).error().at(at.where());
    MILLRACE_TRY(out.paths[*safe], read_entry(at));
  }
  if (auto apart = check_apart(out.paths); !apart) return std::move(apart).error().at({.file = file});
  return out;
}

std::string write_tracked(const Tracked& tracked) {
  std::string out = "# What `millrace data` keeps: commit this file beside the code that uses the data.\n";
  out += fmt::format("millrace_data: {}\n", kFormat);
  if (!tracked.remote.empty()) out += fmt::format("remote: {}\n", to_text(Json(tracked.remote)));
  out += tracked.paths.empty() ? "tracked: {}\n" : "tracked:\n";
  for (const auto& [path, entry] : tracked.paths)
    out += fmt::format("  {}: {{kind: {}, digest: \"{}\", files: {}, bytes: {}}}\n", to_text(Json(path)),
                       name_of(entry.kind), entry.digest.text(), entry.files, entry.size);
  return out;
}

Json to_json(const TrackedPaths& paths) {
  Json out = Json::object();
  for (const auto& [path, entry] : paths) out[path] = to_json(entry);
  return out;
}

Result<TrackedPaths> read_tracked_json(const Json& paths, const std::string& from) {
  TrackedPaths out;
  const auto broken = [&](const std::string& why) {
    return Error{Code::corrupt, fmt::format("what {} says is tracked cannot be read: {}", from, why)};
  };
  if (!paths.is_object()) return broken("it is no object");
  for (const auto& [path, at] : paths.items()) {
    const auto safe = safe_relative(path);
    const auto kind = read_kind(string_or(at, "kind", ""));
    const auto digest = read_digest(string_or(at, "digest", ""));
    if (!safe || !kind || !digest) return broken(fmt::format("its entry '{}'", path.substr(0, 120)));
    out[*safe] = {.kind = *kind,
                  .digest = *digest,
                  .size = integer_or(at, "bytes", 0),
                  .files = integer_or(at, "files", 0),
                  .name = ""};
  }
  if (const auto apart = check_apart(out); !apart) return broken(apart.error().message());
  return out;
}

}  // namespace millrace::versions
