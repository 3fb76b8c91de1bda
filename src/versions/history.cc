#include "versions/history.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <queue>
#include <set>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/ids.h"
#include "core/yaml.h"
#include "versions/objects/object_writer.h"

namespace millrace::versions {
namespace {

constexpr size_t kSnapshotBytes = 16 << 20;
constexpr size_t kNameBytes = 256;
constexpr size_t kFewestDigits = 8;
constexpr size_t kAll = SIZE_MAX;

std::string line_of(const std::string& file) {
  auto text = read_file(file, kNameBytes);
  if (!text) return "";
  while (text->ends_with('\n')) text->pop_back();
  return *text;
}

}  // namespace

Result<void> check_name(const std::string& name) {
  if (is_name(name) && name != "HEAD" && !name.ends_with(".lock")) return {};
  return Error{Code::invalid, fmt::format("'{}' cannot be the name of a tag or branch", name.substr(0, 80))}.hint(
      "letters, digits, '.', '_' and '-', beginning with a letter or digit");
}

std::string History::branch() const {
  const auto name = line_of(workspace_.place().versions + "/branch");
  return check_name(name).ok() ? name : "main";
}

Result<void> History::set_branch(const std::string& name) {
  MILLRACE_DO(check_name(name));
  return write_file(workspace_.place().versions + "/branch", name + "\n");
}

std::optional<Digest> History::head() const { return find("branches", branch()); }

std::optional<Digest> History::find(const std::string& kind, const std::string& name) const {
  const auto digest = read_digest(line_of(fmt::format("{}/names/{}/{}", workspace_.place().versions, kind, name)));
  if (!digest) return std::nullopt;
  return *digest;
}

std::map<std::string, Digest> History::names(const std::string& kind) const {
  std::map<std::string, Digest> out;
  std::error_code error;
  const auto folder = workspace_.place().versions + "/names/" + kind;
  for (std::filesystem::directory_iterator each(folder, error), end; !error && each != end; each.increment(error)) {
    const auto name = each->path().filename().string();
    if (const auto digest = find(kind, name); digest && check_name(name).ok()) out.emplace(name, *digest);
  }
  return out;
}

Result<void> History::name(const std::string& kind, const std::string& name, const Digest& digest, Moves moves) {
  MILLRACE_DO(check_name(name));
  const auto now = find(kind, name);
  if (now == digest) return {};
  if (now && moves == Moves::forward) {
    MILLRACE_TRY(const bool follows, is_before(*now, digest));
    if (kind == "tags" || !follows)
      return Error{Code::conflict, fmt::format("'{}' names {} already", name, now->text())}.hint(
          kind == "tags" ? "a tag stays where it is; take another name, or move it with --force"
                         : "the branch would lose snapshots; move it with --force");
  }
  const auto folder = fmt::format("{}/names/{}", workspace_.place().versions, kind);
  MILLRACE_DO(make_folders(folder));
  return write_file(folder + "/" + name, digest.text() + "\n");
}

Result<void> History::remove_name(const std::string& kind, const std::string& name) {
  const auto file = fmt::format("{}/names/{}/{}", workspace_.place().versions, kind, name);
  if (!check_name(name) || ::unlink(file.c_str()) != 0)
    return Error{Code::not_found, fmt::format("there is no '{}' among the {}", name.substr(0, 80), kind)};
  return flush_folder(parent_of(file));
}

Result<Digest> History::resolve(const std::string& ref) const {
  auto name = ref;
  int64_t back = 0;
  if (const auto wave = ref.find('~'); wave != std::string::npos) {
    name = ref.substr(0, wave);
    const auto digits = ref.substr(wave + 1);
    back = digits.empty() ? 1 : 0;
    for (const char c : digits)
      back = c >= '0' && c <= '9' && back < 1'000'000 ? back * 10 + (c - '0') : -2'000'000'000;
    if (back < 0) return Error{Code::invalid, fmt::format("'{}' is no version", ref.substr(0, 80))}.hint("e.g. HEAD~2");
  }
  std::optional<Digest> found = name == "HEAD" ? head() : find("tags", name);
  if (!found && name != "HEAD") found = find("branches", name);
  auto digits = name.starts_with("sha256:") ? name.substr(7) : name;
  if (!found && digits.size() >= kFewestDigits) {
    std::set<Digest> matches;
    for (const auto* kind : {"branches", "tags"})
      for (const auto& [each, digest] : names(kind)) {
        MILLRACE_TRY(const auto snapshots, log(digest, kAll));
        for (const auto& one : snapshots)
          if (one.digest.hex().starts_with(digits)) matches.insert(one.digest);
      }
    if (matches.size() > 1) return Error{Code::invalid, fmt::format("'{}' begins more than one digest", name)};
    if (!matches.empty()) found = *matches.begin();
  }
  if (!found) {
    std::vector<std::string> known{"HEAD"};
    for (const auto* kind : {"branches", "tags"})
      for (const auto& [each, digest] : names(kind)) known.push_back(each);
    const auto near = did_you_mean(name, known);
    return Error{Code::not_found, fmt::format("there is no tag, branch or snapshot '{}'", name.substr(0, 80))}.hint(
        near ? fmt::format("did you mean '{}'?", *near) : "millrace data log and millrace data tag list them");
  }
  for (; back > 0; --back) {
    MILLRACE_TRY(const auto snapshot, this->snapshot(*found));
    if (snapshot.parents.empty())
      return Error{Code::not_found, fmt::format("'{}' goes back further than the first snapshot", ref)};
    found = snapshot.parents.front();
  }
  return *found;
}

Result<Snapshot> History::snapshot(const Digest& digest) const {
  MILLRACE_TRY(const auto text, workspace_.objects().read(digest, kSnapshotBytes));
  return read_snapshot(digest, text);
}

Result<Snapshot> History::keep(Snapshot snapshot) const {
  snapshot.time = snapshot.time == 0 ? workspace_.context().now() : snapshot.time;
  const auto text = to_text(snapshot.to_json());
  snapshot.digest = hash_of(text);
  MILLRACE_TRY(const auto writer, ObjectWriter::begin(workspace_.objects(), workspace_.context()));
  MILLRACE_DO(writer->put(snapshot.digest, text));
  MILLRACE_TRY(const auto written, writer->finish());
  (void)written;
  MILLRACE_DO(workspace_.objects().reload());
  return snapshot;
}

Result<Snapshot> History::record(Snapshot snapshot) {
  if (const auto now = head()) snapshot.parents = {*now};
  MILLRACE_TRY(auto kept, keep(std::move(snapshot)));
  FAULT_POINT("versions.record.before_name");
  MILLRACE_DO(name("branches", branch(), kept.digest, Moves::anywhere));
  return kept;
}

Result<std::vector<Snapshot>> History::log(const Digest& from, size_t limit) const {
  std::vector<Snapshot> out;
  std::set<Digest> seen{from};
  const auto older = [](const Snapshot& a, const Snapshot& b) { return a.time < b.time; };
  std::priority_queue<Snapshot, std::vector<Snapshot>, decltype(older)> next(older);
  MILLRACE_TRY(auto first, snapshot(from));
  next.push(std::move(first));
  while (!next.empty() && out.size() < limit) {
    out.push_back(next.top());
    next.pop();
    for (const auto& parent : std::vector<Digest>(out.back().parents)) {
      if (!seen.insert(parent).second) continue;
      MILLRACE_TRY(auto before, snapshot(parent));
      next.push(std::move(before));
    }
  }
  return out;
}

Result<bool> History::is_before(const Digest& old, const Digest& young) const {
  MILLRACE_TRY(const auto all, log(young, kAll));
  return std::any_of(all.begin(), all.end(), [&](const Snapshot& each) { return each.digest == old; });
}

}  // namespace millrace::versions
