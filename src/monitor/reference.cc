#include "monitor/reference.h"

#include <fmt/format.h>

#include "core/fault.h"
#include "core/hash.h"

namespace millrace::monitor {
namespace {

constexpr size_t kBytes = 64 << 20;
constexpr size_t kKnown = 256;  // kept in memory
constexpr int kFormat = 1;      // of the document; another way to count is another reference

std::string identity_of(const VersionFacts& facts, std::optional<double> missing) {
  return digest_of(to_text(Json{{"format", kFormat},
                                {"taught", facts.taught ? facts.taught->digest : ""},
                                {"scored", facts.scored ? facts.scored->digest : ""},
                                {"missing", missing ? Json(*missing) : Json()}}));
}

std::string node_of(const VersionFacts& facts, const std::string& digest) {
  return fmt::format("reference:{}/{}@{}", facts.model, facts.version, digest.substr(7, 12));
}

Result<std::shared_ptr<Reference>> read_document(const Json& json) {
  auto out = std::make_shared<Reference>();
  MILLRACE_TRY(out->inputs, Profile::of_json(json.value("inputs", Json())));
  MILLRACE_TRY(const auto score, Profile::of_json(json.value("score", Json())));
  if (!score.columns.empty()) out->score = score.columns.front();
  out->problem = string_or(json, "problem", "");
  return out;
}

// A file that is damaged or gone may come back: nothing is kept of this.
Result<std::shared_ptr<const Reference>> unkept(const Json& document, const std::string& failed) {
  MILLRACE_TRY(auto out, read_document(document));
  out->problem = failed;
  return std::shared_ptr<const Reference>(std::move(out));
}

lineage::Change made(const VersionFacts& facts, const std::string& digest) {
  const auto node = node_of(facts, digest);
  lineage::Change change{.kind = "monitor.reference.made",
                         .node = node,
                         .after = digest,
                         .body = {{"model", facts.node()},
                                  {"taught", facts.taught ? facts.taught->node : ""},
                                  {"scored", facts.scored ? facts.scored->node : ""}}};
  change.nodes.push_back({.id = node, .digest = digest, .attributes = {{"model", facts.node()}}});
  change.edges.push_back({.source = facts.node(), .target = node, .kind = "profiled_as"});
  for (const auto* file : {&facts.taught, &facts.scored})
    if (*file && !(*file)->node.empty())
      change.edges.push_back({.source = (*file)->node, .target = node, .kind = "made_from"});
  return change;
}

}  // namespace

Result<std::shared_ptr<const Reference>> References::get(const Caller& caller, const VersionFacts& facts,
                                                         std::optional<double> missing) {
  if (!facts.taught && !facts.scored) {
    auto nothing = std::make_shared<Reference>();
    nothing->problem = facts.problem;
    return std::shared_ptr<const Reference>(std::move(nothing));
  }
  const auto identity = identity_of(facts, missing);
  const auto key = fmt::format("{}\n{}\n{}", caller.workspace, facts.node(), identity);
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = known_.find(key); at != known_.end()) return at->second;
  }
  MILLRACE_TRY(auto found, find(caller, facts, identity));
  if (!found) {
    std::string failed;
    MILLRACE_TRY(const auto document, make(facts, missing, failed));
    if (!failed.empty()) return unkept(document, failed);
    MILLRACE_TRY(const auto digest, parts_.blobs.put(to_text(document)));
    FAULT_POINT("monitor.reference.before_row");
    MILLRACE_DO(keep(caller, facts, identity, digest));
    MILLRACE_TRY(found, find(caller, facts, identity));
    if (!found) return Error{Code::internal, fmt::format("the reference of {} was not kept", facts.node())};
  }
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kKnown) known_.clear();
  known_[key] = found;
  return found;
}

Result<std::shared_ptr<const Reference>> References::find(const Caller& caller, const VersionFacts& facts,
                                                          const std::string& identity) const {
  std::string digest;
  MILLRACE_DO(parts_.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto row,
                 session.first("SELECT digest FROM monitor_references WHERE workspace = ? AND model = ? "
                               "AND version = ? AND identity = ?",
                               {caller.workspace, facts.model, facts.version, identity}));
    if (row) digest = row->text(0);
    return {};
  }));
  if (digest.empty()) return std::shared_ptr<const Reference>();
  MILLRACE_TRY(const auto text, parts_.blobs.get(digest, kBytes));
  MILLRACE_TRY(const auto json, parse_json(text, "a reference profile"));
  MILLRACE_TRY(auto out, read_document(json));
  out->node = node_of(facts, digest);
  out->digest = digest;
  return std::shared_ptr<const Reference>(std::move(out));
}

Result<Json> References::make(const VersionFacts& facts, std::optional<double> missing, std::string& failed) const {
  const auto profile = [&](const std::optional<Artifact>& file, std::vector<std::string> only) -> Result<Profile> {
    if (!file) return Profile{.columns = {}, .missing = missing};
    auto out = [&]() -> Result<Profile> {
      MILLRACE_DO(parts_.blobs.verify(file->digest));
      MILLRACE_TRY(const auto path, parts_.blobs.path_of(file->digest));
      return profile_file(
          parts_.engines,
          {.path = path, .temp_folder = parts_.temp_folder, .missing = missing, .only = std::move(only)});
    }();
    if (out) return out;
    failed += fmt::format("{}{} cannot be read: {}", failed.empty() ? "" : "; ", file->node, out.error().message());
    return Profile{.columns = {}, .missing = missing};
  };
  MILLRACE_TRY(const auto inputs, profile(facts.taught, {}));
  MILLRACE_TRY(const auto score, profile(facts.scored, {"score"}));
  return Json{{"format", kFormat},
              {"model", facts.node()},
              {"taught", facts.taught ? facts.taught->node : ""},
              {"scored", facts.scored ? facts.scored->node : ""},
              {"inputs", inputs.to_json()},
              {"score", score.to_json()},
              {"problem", facts.problem}};
}

Result<void> References::keep(const Caller& caller, const VersionFacts& facts, const std::string& identity,
                              const std::string& digest) {
  const auto written = parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto added,
                 session.execute("INSERT INTO monitor_references (workspace, model, version, identity, digest, node, "
                                 "recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                                 {caller.workspace, facts.model, facts.version, identity, digest,
                                  node_of(facts, digest), parts_.context.now()}));
    return added == 1 ? made(facts, digest) : lineage::Change{};
  });
  if (!written) return written.error();
  return {};
}

}  // namespace millrace::monitor
