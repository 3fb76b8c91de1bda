#include "data/datasets/datasets.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/limits.h"
#include "data/datasets/dataset_rows.h"
#include "data/inputs/locate.h"

namespace millrace::data {
namespace {

constexpr size_t kFindingsBytes = 64 << 20;

std::string short_digest(const std::string& digest) { return digest.substr(7, 12); }
std::string day_text(Micros time) { return to_iso(time).substr(0, 19) + "Z"; }
std::string period_text(const DatasetVersion& version) {
  return fmt::format("{} to {}", day_text(version.period_from), day_text(version.period_to));
}

// Goes away with all that is in it, whatever happens.
struct ScratchFolder {
  std::string path;
  ~ScratchFolder() { (void)remove_tree(path); }
};

Result<void> check_period(const Batch& batch) {
  const bool given = batch.from != 0 || batch.to != 0;
  if (batch.source.kind == "append" && !given)
    return Error{Code::invalid, fmt::format("a batch of the append source '{}' needs its period", batch.source.name)}
        .hint("say what it covers: --from 2013-01-01 --to 2013-02-01");
  if (batch.source.kind == "append" && batch.from >= batch.to)
    return Error{Code::invalid, fmt::format("the period is empty: {} to {}", day_text(batch.from), day_text(batch.to))}
        .hint("--to is the first moment after it");
  if (batch.source.kind == "snapshot" && given)
    return Error{Code::invalid, fmt::format("a batch of the snapshot source '{}' has no period", batch.source.name)}
        .hint("leave --from and --to out, or make the source kind: append");
  return {};
}

// Two batches of an append dataset never hold the same time, unless they are the same bytes under a new contract or new
// references.
Result<void> check_overlap(const DatasetVersion& version, const Source& source,
                           const std::vector<DatasetVersion>& others) {
  if (source.kind != "append" || !version.is_selectable()) return {};
  for (const auto& other : others) {
    if (!other.is_selectable() || other.period_to <= version.period_from || other.period_from >= version.period_to)
      continue;
    const bool same_period = other.period_from == version.period_from && other.period_to == version.period_to;
    if (same_period && other.input_digest == version.input_digest) continue;
    return Error{Code::conflict, fmt::format("{} covers {} already, which overlaps {}", other.node(),
                                             period_text(other), period_text(version))}
        .hint("batches of an append source do not overlap; replacing one by corrected bytes is not possible yet");
  }
  return {};
}

// A property is a column of the file under a name of its own (lineage/columns.h).
std::vector<std::string> columns_of(const Contract& contract, const std::string& dataset) {
  std::vector<std::string> out;
  const auto object = contract.object(contract.objects.size() == 1 ? "" : dataset);
  if (!object) return out;
  for (const auto& property : (*object)->properties)
    out.push_back(to_text({{"column", property.source_name}, {"to", {property.name}}, {"how", "direct"}}));
  return out;
}

lineage::Change to_change(const DatasetVersion& version, const Contract& contract,
                          const std::vector<std::string>& names, const Source& source) {
  Json facts{{"verdict", version.verdict},
             {"rows", version.rows},
             {"accepted", version.accepted},
             {"quarantined", version.quarantined},
             {"findings", version.findings_digest},
             {"profile", version.profile_digest},
             {"kind", source.kind}};
  if (version.period_to != 0) facts["from"] = day_text(version.period_from), facts["to"] = day_text(version.period_to);
  Json files = Json::array();
  for (size_t i = 0; i < names.size(); ++i)
    files.push_back({{"name", names[i].substr(names[i].rfind('/') + 1)}, {"digest", version.inputs[i]}});
  const auto contract_node = fmt::format("contract:{}@{}", is_name(contract.id) ? contract.id : version.dataset,
                                         short_digest(contract.digest));
  const auto source_node = fmt::format("source:{}@{}", version.dataset, short_digest(version.input_digest));
  lineage::Change change{
      .kind = "dataset.version.added", .node = version.node(), .after = version.digest, .body = facts};
  change.nodes = {{source_node, version.input_digest, {{"files", files}}},
                  {contract_node,
                   contract.digest,
                   {{"version", contract.version}, {"id", contract.id}, {"file", version.contract_file}}},
                  {version.node(), version.digest, facts}};
  change.edges = {{.source = source_node,
                   .target = version.node(),
                   .kind = "made_from",
                   .columns = columns_of(contract, version.dataset)},
                  {.source = contract_node, .target = version.node(), .kind = "checked_by"}};
  for (const auto& reference : version.references)
    change.edges.push_back({.source = reference, .target = version.node(), .kind = "checked_against"});
  return change;
}

}  // namespace

// What is known of a batch before it is recorded.
struct Datasets::Draft {
  Contract contract;
  const Object* object = nullptr;
  std::string workspace, key;
  std::vector<std::string> names;  // of the input files, as they were called
  std::unique_ptr<Inputs> inputs;
  std::map<std::string, std::vector<DatasetVersion>> references;
  DatasetVersion version;
};

std::string DatasetVersion::node() const { return fmt::format("dataset:{}@{}", dataset, version); }

Datasets::Datasets(store::Database& database, store::Blobs& blobs, lineage::Journal& journal, Context& context,
                   engine::Engines& engines, std::string temp_folder)
    : database_(database),
      blobs_(blobs),
      journal_(journal),
      context_(context),
      engines_(engines),
      temp_folder_(std::move(temp_folder)) {}

Result<DatasetVersion> Datasets::add(const Caller& caller, const Batch& batch, const std::vector<Source>& sources) {
  Draft draft{.workspace = caller.workspace};
  MILLRACE_DO(check_period(batch));
  const ScratchFolder scratch{temp_folder_ + "/batch-" + context_.uuid()};
  MILLRACE_DO(make_folders(scratch.path + "/inputs"));
  draft.inputs = std::make_unique<Inputs>(scratch.path + "/inputs");
  MILLRACE_DO(read_batch(caller, batch, sources, draft));
  std::optional<DatasetVersion> known;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(known, read_by_key(session, caller.workspace, batch.source.name, draft.key));
    return {};
  }));
  if (known) return *known;
  MILLRACE_DO(check(scratch.path, batch, draft));
  FAULT_POINT("data.version.before_record");
  return record(caller, batch, draft);
}

Result<void> Datasets::read_batch(const Caller& caller, const Batch& batch, const std::vector<Source>& sources,
                                  Draft& draft) {
  MILLRACE_TRY(const auto text, read_file(batch.source.contract_path, limits::yaml_bytes));
  MILLRACE_TRY(draft.contract, parse_contract(text, batch.source.contract_path));
  MILLRACE_TRY(draft.object, draft.contract.object(draft.contract.objects.size() == 1 ? "" : batch.source.name));
  if (!batch.source.event_time.empty() && draft.object->find(batch.source.event_time) == nullptr)
    return Error{Code::invalid, fmt::format("the contract has no property '{}' to be the event_time of '{}'",
                                            batch.source.event_time, batch.source.name)}
        .at(batch.source.where);
  if (batch.files.empty()) return Error{Code::invalid, "a batch needs at least one file"};
  auto& version = draft.version;
  version.dataset = batch.source.name;
  version.period_from = batch.from;
  version.period_to = batch.to;
  version.contract_digest = draft.contract.digest;
  MILLRACE_TRY(const auto reading, reading_of(draft.contract, ""));
  Locator locator(*draft.inputs);
  for (const auto& written : batch.files) {
    MILLRACE_TRY(const auto paths, locator.locate(written, reading));
    for (const auto& path : paths) {
      auto place = *draft.inputs->find(path);
      MILLRACE_TRY(const auto digest, blobs_.put_file(path));
      MILLRACE_TRY(place.path, blobs_.path_of(digest));
      version.inputs.push_back(digest);
      draft.names.push_back(place.label);
      draft.inputs->tell(std::move(place));
    }
  }
  version.input_digest = digest_of(to_text(Json(version.inputs)));
  MILLRACE_TRY(version.contract_file, blobs_.put(text));
  MILLRACE_DO(find_references(caller, sources, draft));
  draft.key = digest_of(to_text(Json{{"input", version.input_digest},
                                     {"contract", version.contract_digest},
                                     {"references", version.references},
                                     {"from", batch.from},
                                     {"to", batch.to}}));
  return {};
}

Result<void> Datasets::find_references(const Caller& caller, const std::vector<Source>& sources, Draft& draft) {
  MILLRACE_TRY(const auto rules, rules_of(draft.contract, *draft.object));
  for (const auto& rule : rules) {
    if (rule.kind != "foreign_key") continue;
    const auto name = string_or(rule.parameters["reference"], "dataset", "");
    if (draft.references.contains(name)) continue;
    const auto* source = find_source(sources, name);
    MILLRACE_TRY(auto found, all_of(caller.workspace, name, source != nullptr && source->kind == "append"));
    if (!found.empty()) {
      for (const auto& version : found) draft.version.references.push_back(version.node());
      draft.references.emplace(name, std::move(found));
    } else if (!rule.parameters.value("declared", false)) {
      const bool known = source != nullptr;
      return Error{Code::not_found,
                   fmt::format("the rule {} looks keys up in '{}', which has no accepted version", rule.id, name)}
          .at(rule.where)
          .hint(known ? fmt::format("add it first: millrace data add {} FILE", name)
                      : "it is not among the project's sources; add it there");
    }
  }
  std::sort(draft.version.references.begin(), draft.version.references.end());
  return {};
}

Result<void> Datasets::check(const std::string& folder, const Batch& batch, Draft& draft) {
  auto& version = draft.version;
  CheckRequest request{.contract = &draft.contract,
                       .object = draft.object->name,
                       .file_names = draft.names,
                       .out_folder = folder,
                       .period_from = batch.from,
                       .period_to = batch.to,
                       .now = context_.now(),
                       .profile_before = Json(),
                       .inputs = draft.inputs.get()};
  engine::EngineOptions options{.temp_folder = temp_folder_, .writable = {folder}};
  for (const auto& digest : version.inputs) {
    MILLRACE_TRY(const auto path, blobs_.path_of(digest));
    request.files.push_back(path);
  }
  options.readable = request.files;
  options.readable.push_back(folder + "/inputs");
  for (const auto& [name, versions] : draft.references)
    for (const auto& reference : versions) {
      MILLRACE_TRY(const auto path, blobs_.path_of(reference.file));
      request.references[name].push_back(path);
      options.readable.push_back(path);
    }
  // Edges stay what they were under this contract, so that histograms of versions add up.
  if (const auto before = newest(draft.workspace, version.dataset);
      before && *before && (*before)->contract_digest == version.contract_digest) {
    MILLRACE_TRY(request.profile_before, read_json((*before)->profile_digest));
  }
  MILLRACE_TRY(const auto rules, rules_of(draft.contract, *draft.object));
  if (std::any_of(rules.begin(), rules.end(), [](const Rule& rule) { return is_by_history(rule); })) {
    MILLRACE_TRY(request.history, history_of(draft.workspace, version));
  }
  MILLRACE_TRY(const auto session, engines_.open(options));
  MILLRACE_DO(session->lock_down());
  MILLRACE_TRY(const auto report, check_batch(*session, request));
  version.verdict = report.verdict;
  version.rows = report.rows;
  version.accepted = report.accepted;
  version.quarantined = report.quarantined;
  if (!report.accepted_file.empty()) {
    MILLRACE_TRY(version.file, blobs_.put_file(report.accepted_file));
  }
  if (!report.quarantine_file.empty()) {
    MILLRACE_TRY(version.quarantine_file, blobs_.put_file(report.quarantine_file));
  }
  MILLRACE_TRY(version.findings_digest, blobs_.put(to_text(report.to_json())));
  MILLRACE_TRY(version.profile_digest, blobs_.put(to_text(report.profile.to_json())));
  version.digest = version.file.empty() ? version.input_digest : version.file;
  return {};
}

Result<History> Datasets::history_of(const std::string& workspace, const DatasetVersion& version) const {
  History out;
  MILLRACE_TRY(const auto versions, list(workspace, version.dataset));
  std::vector<DatasetVersion> before;
  if (version.period_to != 0)
    before = current_versions(versions);
  else
    std::copy_if(versions.begin(), versions.end(), std::back_inserter(before),
                 [](const auto& one) { return one.is_selectable(); });
  std::erase_if(before, [&](const auto& one) { return version.period_to != 0 && one.period_to > version.period_from; });
  if (before.size() > history_versions)
    before.erase(before.begin(), before.end() - static_cast<int64_t>(history_versions));
  for (const auto& one : before) {
    MILLRACE_TRY(auto profile, read_json(one.profile_digest));
    out.push_back({one.period_from, one.period_to, one.recorded_at, std::make_shared<const Json>(std::move(profile))});
  }
  return out;
}

Result<DatasetVersion> Datasets::record(const Caller& caller, const Batch& batch, const Draft& draft) {
  DatasetVersion version = draft.version;
  MILLRACE_TRY(const auto sequence, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto known, read_by_key(session, caller.workspace, version.dataset, draft.key));
    if (known) {
      version = *known;
      return lineage::Change{};
    }
    MILLRACE_TRY(const auto others, read_versions(session, caller.workspace, version.dataset));
    MILLRACE_DO(check_overlap(version, batch.source, others));
    MILLRACE_TRY(version.version, next_version(session, caller.workspace, version.dataset));
    version.recorded_at = context_.now();
    MILLRACE_DO(insert_version(session, caller.workspace, draft.key, version));
    return to_change(version, draft.contract, draft.names, batch.source);
  }));
  (void)sequence;
  return version;
}

Result<std::optional<DatasetVersion>> Datasets::newest(const std::string& workspace, const std::string& dataset) const {
  MILLRACE_TRY(const auto versions, list(workspace, dataset));
  for (auto version = versions.rbegin(); version != versions.rend(); ++version)
    if (version->is_selectable()) return std::optional(*version);
  return std::optional<DatasetVersion>();
}

// What a foreign key looks at: all batches of an append dataset, the newest version of a snapshot.
Result<std::vector<DatasetVersion>> Datasets::all_of(const std::string& workspace, const std::string& dataset,
                                                     bool append) const {
  MILLRACE_TRY(const auto versions, list(workspace, dataset));
  auto current = current_versions(versions);
  if (!append && current.size() > 1) current.erase(current.begin(), current.end() - 1);
  return current;
}

Result<std::vector<DatasetVersion>> Datasets::list(const std::string& workspace, const std::string& dataset) const {
  std::vector<DatasetVersion> versions;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(versions, read_versions(session, workspace, dataset));
    return {};
  }));
  return versions;
}

Result<DatasetVersion> Datasets::get(const std::string& workspace, const std::string& dataset, int64_t version) const {
  MILLRACE_TRY(const auto versions, list(workspace, dataset));
  for (const auto& one : versions)
    if (one.dataset == dataset && one.version == version) return one;
  return Error{Code::not_found, fmt::format("there is no dataset:{}@{}", dataset, version)}.hint(
      versions.empty() || dataset.empty() ? "see millrace data list"
                                          : fmt::format("'{}' has versions 1 to {}", dataset, versions.back().version));
}

Result<std::vector<DatasetVersion>> Datasets::select(const std::string& workspace, const Source& source, Micros from,
                                                     Micros to) const {
  const auto none = [&](const std::string& which) {
    return Error{Code::not_found, fmt::format("the dataset '{}' has no accepted version{}", source.name, which)}.hint(
        fmt::format("add one: millrace data add {} FILE", source.name));
  };
  if (source.kind == "snapshot") {
    MILLRACE_TRY(const auto found, newest(workspace, source.name));
    if (!found) return none("");
    return std::vector<DatasetVersion>{*found};
  }
  MILLRACE_TRY(const auto versions, list(workspace, source.name));
  std::vector<DatasetVersion> out;
  const bool all = from == 0 && to == 0;
  for (const auto& version : current_versions(versions)) {
    const bool inside = all || (version.period_from >= from && version.period_to <= to);
    const bool outside = !all && (version.period_to <= from || version.period_from >= to);
    if (inside) out.push_back(version);
    if (inside || outside) continue;
    return Error{Code::conflict, fmt::format("{} covers {}, which lies across an end of {} to {}", version.node(),
                                             period_text(version), day_text(from), day_text(to))}
        .hint("ask for whole batches");
  }
  if (out.empty()) return none(all ? "" : fmt::format(" from {} to {}", day_text(from), day_text(to)));
  return out;
}

Result<Json> Datasets::read_json(const std::string& digest) const {
  MILLRACE_TRY(const auto text, blobs_.get(digest, kFindingsBytes));
  return parse_json(text, digest);
}

Result<Json> Datasets::findings(const std::string& workspace, const std::string& dataset, int64_t version) const {
  MILLRACE_TRY(const auto found, get(workspace, dataset, version));
  return read_json(found.findings_digest);
}

Result<Json> Datasets::profile(const std::string& workspace, const std::string& dataset, int64_t version) const {
  MILLRACE_TRY(const auto found, get(workspace, dataset, version));
  return read_json(found.profile_digest);
}

}  // namespace millrace::data
