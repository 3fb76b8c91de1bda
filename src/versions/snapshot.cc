#include <fmt/format.h>

#include "versions/history.h"

namespace millrace::versions {
namespace {

constexpr std::string_view kFormat = "millrace snapshot 1";

}  // namespace

Json Snapshot::to_json() const {
  Json before = Json::array();
  for (const auto& parent : parents) before.push_back(parent.text());
  Json sets = Json::object();
  for (const auto& [name, files] : datasets) {
    auto& list = sets[name] = Json::array();
    for (const auto& each : files) list.push_back({{"node", each.node}, {"file", each.file}});
  }
  return {{"format", kFormat},
          {"parents", before},
          {"time", to_iso(time)},
          {"author", author},
          {"message", message},
          {"code", commit.empty() ? Json(nullptr) : Json{{"commit", commit}, {"dirty", dirty}}},
          {"tracked", versions::to_json(paths)},
          {"datasets", sets}};
}

Result<Snapshot> read_snapshot(const Digest& digest, const std::string& text) {
  const auto from = "the snapshot " + digest.text();
  const auto broken = [&] { return Error{Code::corrupt, from + " cannot be read"}; };
  const auto json = parse_json(text, from);
  if (!json || string_or(*json, "format", "") != kFormat) return broken();
  Snapshot out;
  out.digest = digest;
  const auto* parents = millrace::find(*json, "parents");
  const auto* tracked = millrace::find(*json, "tracked");
  const auto time = parse_time(string_or(*json, "time", ""));
  if (parents == nullptr || !parents->is_array() || tracked == nullptr || !time) return broken();
  for (const auto& each : *parents) {
    const auto parent = read_digest(each.is_string() ? each.get<std::string>() : "");
    if (!parent) return broken();
    out.parents.push_back(*parent);
  }
  out.time = *time;
  out.author = string_or(*json, "author", "");
  out.message = string_or(*json, "message", "");
  if (const auto* code = millrace::find(*json, "code"); code != nullptr && code->is_object()) {
    out.commit = string_or(*code, "commit", "");
    out.dirty = code->value("dirty", Json()) == true;
  }
  MILLRACE_TRY(out.paths, read_tracked_json(*tracked, from));
  if (const auto* sets = millrace::find(*json, "datasets"); sets != nullptr && sets->is_object())
    for (const auto& [name, files] : sets->items())
      for (const auto& each : files)
        out.datasets[name].push_back({string_or(each, "node", ""), string_or(each, "file", "")});
  return out;
}

}  // namespace millrace::versions
