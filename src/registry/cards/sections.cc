#include "registry/cards/sections.h"

#include <algorithm>

#include <fmt/format.h>

#include "registry/cards/markdown.h"
#include "registry/rules.h"

namespace millrace::registry::sections {
namespace {

using markdown::code;
using markdown::table;
using markdown::text;

std::string day(Micros time) { return to_iso(time).substr(0, 10); }

std::string period(const data::DatasetVersion& version) {
  if (version.period_from == 0 && version.period_to == 0) return "no period";
  return fmt::format("{} to {}", day(version.period_from), day(version.period_to));
}

std::string number(const Json& value) {
  return value.is_number() ? fmt::format("{:.4g}", value.get<double>()) : "not known";
}

std::string interval(const Json& value) {
  if (!value.contains("low")) return "";
  return fmt::format("{} to {} ({:g} %)", number(value["low"]), number(value["high"]),
                     number_or(value, "level", 0.95) * 100);
}

const Json& null_json() {
  static const Json none;
  return none;
}

const Json& part(const Json& of, std::string_view key) {
  const auto* found = find(of, key);
  return found == nullptr ? null_json() : *found;
}

// The evidence of the first gate of a kind, or null.
const Json& evidence_of(const CardFacts& facts, std::string_view kind) {
  for (const auto& gate : part(facts.report, "gates"))
    if (string_or(gate, "kind", "") == kind) return part(gate, "evidence");
  return null_json();
}

std::string stage_lines(const Json& stage) {
  const auto& environment = part(stage, "environment");
  const auto& git = part(environment, "git");
  std::string out = fmt::format("\n### Stage {}\n\n- record: {}, finished {}\n", text(string_or(stage, "stage", "")),
                                code(string_or(stage, "node", "")), to_iso(integer_or(stage, "ended_at", 0)));
  if (const auto& command = part(stage, "command"); !command.is_null())
    out += fmt::format("- command: {}\n", code(to_text(command)));
  for (const auto& [path, digest] : part(stage, "code").items())
    out += fmt::format("- code: {} {}\n", code(path),
                       code(digest.is_string() ? digest.get<std::string>() : to_text(digest)));
  const auto& params = part(stage, "params");
  out += fmt::format("- parameters: {}\n", params.is_object() && !params.empty() ? code(to_text(params)) : "none");
  out += fmt::format("- seed: {}\n", part(stage, "seed").is_null() ? "not known" : to_text(part(stage, "seed")));
  for (const char* key : {"interpreter", "lock", "cpu", "threads"})
    if (const auto& value = part(environment, key); !value.is_null() && value != "")
      out += fmt::format("- {}: {}\n", key, code(value.is_string() ? value.get<std::string>() : to_text(value)));
  if (const auto& libraries = part(environment, "libraries"); !libraries.empty())
    out += fmt::format("- libraries: {} with their digests in the record\n", libraries.size());
  if (git.is_object())
    out += fmt::format("- commit: {}{}\n", code(string_or(git, "commit", "")),
                       part(git, "dirty") == true ? ", with changes that were not committed" : "");
  else
    out += "- commit: not known, the project is in no git work tree\n";
  if (const auto run = string_or(stage, "run_id", ""); !run.empty())
    out += fmt::format("- tracked run: {}\n", code("run:" + run));
  return out;
}

std::string group_tables(const CardFacts& facts) {
  const auto& evidence = evidence_of(facts, "group_recall");
  const auto& groups = evidence.contains("groups") ? part(evidence, "groups") : evidence;
  std::string out;
  if (!groups.is_object()) return out;
  for (const auto& [column, lines] : groups.items()) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& line : lines)
      rows.push_back({text(string_or(line, "group", "")), to_text(part(line, "rows")), to_text(part(line, "positives")),
                      number(part(line, "recall")),
                      line.contains("low") ? fmt::format("{} to {}", number(line["low"]), number(line["high"])) : "",
                      part(line, "judged") == true ? "" : "too few to judge"});
    out += fmt::format("\n### Recall by {}\n\n{}", text(column),
                       table({"value", "rows", "positives", "recall", "interval", ""}, rows));
  }
  return out;
}

std::string calibration_table(const CardFacts& facts) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& bin : part(evidence_of(facts, "calibration"), "bins"))
    rows.push_back({to_text(part(bin, "rows")), number(part(bin, "predicted")), number(part(bin, "observed")),
                    fmt::format("{} to {}", number(part(bin, "low")), number(part(bin, "high")))});
  return rows.empty() ? "" : "\n### Calibration\n\n" + table({"rows", "predicted", "observed", "interval"}, rows);
}

std::string range_of(const data::Property& property) {
  std::string out;
  if (property.minimum) out += fmt::format("{} {}", property.minimum->open ? "over" : "from", property.minimum->text);
  if (property.maximum)
    out +=
        fmt::format("{}{} {}", out.empty() ? "" : " ", property.maximum->open ? "under" : "to", property.maximum->text);
  return out;
}

}  // namespace

std::string data(const CardFacts& facts) {
  std::string out = "\n## Data\n\n";
  if (facts.data.empty()) return out + "Not known: no dataset version stands behind the model.\n";
  std::vector<std::vector<std::string>> rows;
  int64_t all = 0, quarantined = 0;
  for (const auto& version : facts.data) {
    all += version.rows;
    quarantined += version.quarantined;
    rows.push_back({code(version.node()), period(version), fmt::format("{}", version.rows),
                    fmt::format("{}", version.quarantined), text(version.verdict), code(version.digest.substr(0, 19))});
  }
  out += table({"dataset version", "period", "rows", "quarantined", "verdict", "digest"}, rows);
  return out + fmt::format("\n{} versions, {} rows, {} of them in quarantine and not used.\n", facts.data.size(), all,
                           quarantined);
}

std::string training(const CardFacts& facts) {
  std::string out = "\n## Training\n";
  const auto& stages = part(facts.stored.facts, "stages");
  if (stages.empty()) return out + "\nNot known.\n";
  for (const auto& stage : stages) out += stage_lines(stage);
  return out;
}

std::string performance(const CardFacts& facts) {
  std::string out = "\n## Performance\n\n";
  if (facts.report.is_null()) return out + "Not known: the gates were not evaluated.\n";
  const auto& scored = part(facts.report, "scored");
  out += fmt::format("Measured on {} held-out rows ({} positive), {} of {}. ", to_text(part(facts.report, "rows")),
                     to_text(part(facts.report, "positives")), code(string_or(scored, "path", "")),
                     code(string_or(scored, "node", "")));
  out += part(scored, "threshold").is_number()
             ? fmt::format("A row counts as positive from a score of {}.\n\n", number(part(scored, "threshold")))
             : "From which score a row counts as positive is not known.\n\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& gate : facts.stored.version.gates)
    if (gate.value.is_object() && gate.value.contains("low"))
      rows.push_back({text(gate.kind), number(gate.value["value"]), interval(gate.value),
                      gate.value.contains("n") ? to_text(gate.value["n"]) : "", number(part(gate.value, "limit"))});
  out += rows.empty() ? std::string("No gate measured a figure with an interval.\n")
                      : table({"figure", "value", "interval", "n", "limit"}, rows);
  return out + group_tables(facts) + calibration_table(facts);
}

std::string inputs(const CardFacts& facts) {
  std::string out = "\n## Inputs\n\n";
  if (!facts.contract || facts.contract->objects.empty()) return out + "Not known.\n";
  const auto& contract = *facts.contract;
  out += fmt::format("Contract {} version {} ({}). A row that breaks it is refused.\n\n", code(contract.id),
                     text(contract.version), code(contract.file));
  std::vector<std::vector<std::string>> rows;
  for (const auto& property : contract.objects.front().properties)
    rows.push_back({code(property.name), text(name_of(property.type)), property.required ? "required" : "",
                    text(range_of(property)), text(property.description)});
  return out + table({"field", "type", "", "range", "meaning"}, rows);
}

std::string gates(const CardFacts& facts) {
  std::string out = "\n## Gates\n\n";
  if (facts.stored.evaluation == 0) return out + "Not evaluated.\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& gate : facts.stored.version.gates)
    rows.push_back({text(gate.kind), gate.ok ? "passed" : "**failed**", text(gate.reason)});
  out += rows.empty() ? std::string("The model has none.\n") : table({"gate", "result", "reason"}, rows);
  return out + fmt::format("\nEvidence: {}\n", code(facts.stored.version.digests.report));
}

std::string approvals(const CardFacts& facts) {
  std::string out = "\n## Approvals\n\n";
  const auto& version = facts.stored.version;
  const auto needed = facts.stored.evaluation == 0 ? int64_t{facts.spec.approvals} : voices_needed(facts.stored.policy);
  out += fmt::format("{} of {} given for exactly the digests below.\n",
                     count_voices(version.approvals, version.author, needed), needed);
  std::vector<std::vector<std::string>> rows;
  for (const auto& approval : version.approvals)
    rows.push_back({text(string_or(approval, "subject", "")), string_or(approval, "at", ""),
                    text(string_or(approval, "why", "")),
                    part(approval, "holds") == true ? "holds" : "void: the evidence has changed"});
  return rows.empty() ? out : out + "\n" + table({"by", "at", "why", ""}, rows);
}

std::string identity(const CardFacts& facts) {
  const auto& version = facts.stored.version;
  std::vector<std::vector<std::string>> rows;
  const Json digests = version.digests.to_json();
  for (const auto& [name, digest] : digests.items())
    rows.push_back(
        {name, digest.get<std::string>().empty() ? std::string("not known yet") : code(digest.get<std::string>())});
  std::string out = "\n## Digests\n\n" + table({"of", "digest"}, rows) + "\n## Lineage and reproduction\n\n";
  out += fmt::format("- version: {}\n- stage: {}\n", code(version.node()), code(version.stage_node));
  out += fmt::format("- run: {}\n",
                     version.run_id.empty() ? std::string("none was tracked") : code("run:" + version.run_id));
  out += fmt::format("- model file: {}\n", code(string_or(part(facts.stored.facts, "model"), "artifact", "")));
  out += fmt::format("- walk to the sources: {}\n", code("millrace lineage " + version.node()));
  for (const auto& stage : part(facts.stored.facts, "stages"))
    out += fmt::format("- repeat and compare byte by byte: {}\n",
                       code("millrace run --verify " + string_or(stage, "stage", "")));
  return out;
}

}  // namespace millrace::registry::sections
