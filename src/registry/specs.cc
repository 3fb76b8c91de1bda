#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "core/files.h"
#include "core/ids.h"
#include "core/limits.h"
#include "registry/cards/fields.h"
#include "registry/gates/gate_kind.h"
#include "registry/registry.h"
#include "registry/rules.h"
#include "registry/signing/signatures.h"

namespace millrace::registry {
namespace {

constexpr int64_t kMostApprovals = 10, kMostDays = 365;
constexpr size_t kMostProtected = 100;
constexpr size_t kMostGates = 100;
constexpr size_t kMostEntries = 1'000;  // models, deployments

Error unknown(std::string_view kind, const std::string& name, const Yaml& at, const std::vector<std::string>& known) {
  Error error = at.error(fmt::format("there is no {} '{}'", kind, name));
  if (const auto near = did_you_mean(name, known))
    error.hint(fmt::format("did you mean '{}'?", *near));
  else if (!known.empty())
    error.hint(fmt::format("there are: {}", fmt::join(known, ", ")));
  return error;
}

std::vector<std::string> keys_of(const Yaml* map) {
  std::vector<std::string> out;
  if (map != nullptr)
    for (const auto& [key, value] : map->entries()) out.push_back(key);
  return out;
}

const Yaml* stages_of(const Project& project) {
  const auto* pipeline = project.section("pipeline");
  return pipeline == nullptr ? nullptr : pipeline->find("stages");
}

std::vector<std::string> outs_of(const Project& project, const std::string& stage) {
  const auto* stages = stages_of(project);
  const auto* node = stages == nullptr ? nullptr : stages->find(stage);
  const auto* outs = node == nullptr ? nullptr : node->find("outs");
  std::vector<std::string> out;
  if (outs != nullptr)
    for (const auto& item : outs->items()) out.push_back(item.text());
  return out;
}

bool has(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

Result<std::string> read_stage(const Project& project, const Yaml& map) {
  MILLRACE_TRY(auto stage, map.get_string("stage"));
  const auto known = keys_of(stages_of(project));
  if (!has(known, stage)) return unknown("stage", stage, *map.find("stage"), known);
  return stage;
}

Result<std::string> read_out(const Project& project, const Yaml& map, const std::string& stage, std::string_view key) {
  MILLRACE_TRY(auto file, map.get_string(key));
  const auto outs = outs_of(project, stage);
  if (!has(outs, file)) return unknown(fmt::format("out of the stage '{}' named", stage), file, *map.find(key), outs);
  return file;
}

Result<GateSpec> read_gate(const Yaml& item) {
  std::string kind;
  const Yaml* parameters = nullptr;
  if (item.is_scalar()) {
    kind = item.text();
  } else if (item.is_map() && item.entries().size() == 1) {
    kind = item.entries().front().first;
    parameters = &item.entries().front().second;
  } else {
    return item.error("a gate is its name, or its name with parameters").hint("write e.g. - auc: {min: 0.7}");
  }
  const auto* found = find_gate_kind(kind);
  if (found == nullptr) {
    std::vector<std::string> known;
    for (const auto& other : gate_kinds()) known.emplace_back(other.name);
    return unknown("gate", kind, item, known);
  }
  GateSpec out{.kind = kind, .where = item.where()};
  MILLRACE_TRY(out.parameters, read_gate_parameters(*found, parameters, item));
  return out;
}

Result<void> read_gates(const Yaml& node, ModelSpec& spec) {
  const auto* gates = node.find("gates");
  if (gates == nullptr) return {};
  if (!gates->is_list())
    return gates->error("gates is a list").hint("write e.g. gates: [{auc: {min: 0.7}}, card_complete]");
  if (gates->items().size() > kMostGates) return gates->error(fmt::format("a model has at most {} gates", kMostGates));
  for (const auto& item : gates->items()) {
    MILLRACE_TRY(auto gate, read_gate(item));
    spec.gates.push_back(std::move(gate));
  }
  return {};
}

Result<void> read_scored(const Project& project, const Yaml& node, ModelSpec& spec) {
  MILLRACE_TRY(const auto* scored, node.get("scored"));
  MILLRACE_DO(scored->only_keys({"stage", "file", "report"}));
  MILLRACE_TRY(spec.scored_stage, read_stage(project, *scored));
  MILLRACE_TRY(spec.scored_file, read_out(project, *scored, spec.scored_stage, "file"));
  if (scored->find("report") != nullptr) {
    MILLRACE_TRY(spec.scored_report, read_out(project, *scored, spec.scored_stage, "report"));
  } else if (has(outs_of(project, spec.scored_stage), "report.json")) {
    spec.scored_report = "report.json";
  }
  return {};
}

// Of a model, or of the section `registry`.
template <class Spec>
Result<void> read_approvals(const Yaml& node, Spec& spec) {
  const auto* approvals = node.find("approvals");
  if (approvals == nullptr) return {};
  MILLRACE_DO(approvals->only_keys({"count", "role", "expires_days"}));
  if (const auto* count = approvals->find("count")) {
    MILLRACE_TRY(const auto number, count->integer());
    if (number < 1 || number > kMostApprovals)
      return count->error(fmt::format("count is {}, and must be from 1 to {}", number, kMostApprovals));
    spec.approvals = static_cast<int>(number);
  }
  if (const auto* days = approvals->find("expires_days")) {
    MILLRACE_TRY(spec.expires_days, days->integer());
    if (spec.expires_days < 1 || spec.expires_days > kMostDays)
      return days->error(fmt::format("expires_days is {}, and must be from 1 to {}", spec.expires_days, kMostDays));
  }
  if (const auto* role = approvals->find("role")) {
    MILLRACE_TRY(spec.approver_role, role->string());
    const std::vector<std::string> known{"approver", "admin"};
    if (!has(known, spec.approver_role)) return unknown("role that approves named", spec.approver_role, *role, known);
  }
  return {};
}

Result<std::vector<std::string>> read_protected(const Yaml& list) {
  if (!list.is_list() && !list.is_null())
    return list.error("protected is a list of aliases and stages").hint("write e.g. protected: [champion, Production]");
  if (list.items().size() > kMostProtected)
    return list.error(fmt::format("at most {} aliases and stages are protected", kMostProtected));
  std::vector<std::string> out;
  for (const auto& item : list.items()) {
    MILLRACE_TRY(auto name, item.string());
    if (auto good = check_alias(name); !good) return item.error(good.error().message()).hint(good.error().hint());
    if (const auto stage = canonical_stage(name); stage && *stage != name)
      return item.error(fmt::format("the stage is written {}", *stage));
    if (has(out, name)) return item.error(fmt::format("'{}' stands here twice", name));
    out.push_back(std::move(name));
  }
  return out;
}

Result<void> read_card(const Yaml& node, ModelSpec& spec) {
  const auto* card = node.find("card");
  if (card == nullptr) return {};
  if (!card->is_map())
    return card->error("card is a map of what people know of the model")
        .hint("write e.g. card: {intended_use: ..., owner: ...}");
  std::vector<std::string> known;
  for (const auto& field : kCardFields) known.emplace_back(field.key);
  for (const auto& [key, value] : card->entries()) {
    if (!has(known, key)) return unknown("field of the card named", key, value, known);
    MILLRACE_TRY(spec.card[key], value.string());
  }
  return {};
}

Result<ModelSpec> read_model(const Project& project, const std::string& name, const Yaml& node) {
  if (!is_name(name))
    return node.error(fmt::format("'{}' is not a name of a model", name)).hint("letters, digits, '_', '-' and '.'");
  MILLRACE_DO(node.only_keys({"stage", "file", "contract", "label", "scored", "gates", "approvals", "protected",
                              "signed_by", "sign_with", "card"}));
  ModelSpec spec{.name = name, .where = node.where()};
  MILLRACE_TRY(spec.stage, read_stage(project, node));
  MILLRACE_TRY(spec.file, read_out(project, node, spec.stage, "file"));
  MILLRACE_TRY(const auto* contract, node.get("contract"));
  MILLRACE_TRY(spec.contract, project.path(*contract));
  if (!exists(spec.contract))
    return contract->error(fmt::format("the file '{}' does not exist", contract->text()))
        .hint("give the ODCS contract of the model's inputs");
  MILLRACE_TRY(spec.label, node.get_string("label"));
  if (spec.label.empty())
    return node.find("label")->error("the label is empty").hint("name the column that the model predicts");
  MILLRACE_DO(read_scored(project, node, spec));
  MILLRACE_DO(read_gates(node, spec));
  MILLRACE_DO(read_approvals(node, spec));
  if (const auto* list = node.find("protected")) {
    MILLRACE_TRY(spec.protects, read_protected(*list));
  }
  MILLRACE_DO(check_signing(project, node));
  MILLRACE_DO(read_card(node, spec));
  return spec;
}

Result<void> read_canary(const Yaml& node, DeploymentSpec& spec) {
  const auto* canary = node.find("canary");
  if (canary == nullptr) return {};
  MILLRACE_DO(canary->only_keys({"share"}));
  MILLRACE_TRY(const auto* share, canary->get("share"));
  MILLRACE_TRY(const auto number, share->number());
  if (!(number > 0 && number < 1))
    return share->error(fmt::format("share is {}, and must be above 0 and below 1", share->text()))
        .hint("0.1 gives the canary a tenth of the units");
  spec.canary_share = number;
  return {};
}

Result<void> read_alias(const Yaml& node, DeploymentSpec& spec) {
  const auto* alias = node.find("alias");
  if (alias == nullptr) return {};
  MILLRACE_TRY(spec.alias, alias->string());
  if (auto good = check_alias(spec.alias); !good) return alias->error(good.error().message()).hint(good.error().hint());
  return {};
}

// A name as HTTP has them; gRPC's metadata knows those in lower case, and no others.
Result<void> read_unit_header(const Yaml& node, DeploymentSpec& spec) {
  const auto* header = node.find("unit_header");
  if (header == nullptr) return {};
  MILLRACE_TRY(spec.unit_header, header->string());
  bool good = !spec.unit_header.empty() && spec.unit_header.size() <= limits::name_bytes;
  for (char& c : spec.unit_header) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    good &= (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  }
  if (!good)
    return header->error(fmt::format("'{}' is not a name of a header", header->text().substr(0, 100)))
        .hint("write e.g. unit_header: X-User-Id; letters, digits, '-' and '_'");
  const std::vector<std::string> taken{"authorization", "cookie", "proxy-authorization"};
  if (has(taken, spec.unit_header))
    return header->error(fmt::format("the unit cannot be the header '{}', which is a secret", header->text()))
        .hint("units are kept in the prediction log: let the gateway send an id, e.g. X-User-Id");
  return {};
}

// The choices of serve/runtimes.h, which comes later in the order of folders.
Result<void> read_runtime(const Yaml& node, DeploymentSpec& spec) {
  const auto* runtime = node.find("runtime");
  if (runtime == nullptr) return {};
  MILLRACE_TRY(spec.runtime, runtime->string());
  const std::vector<std::string> known{"auto", "native", "onnxruntime", "lightgbm", "xgboost"};
  if (!has(known, spec.runtime)) return unknown("runtime", spec.runtime, *runtime, known);
  if (spec.runtime == "auto") spec.runtime.clear();
  return {};
}

Result<DeploymentSpec> read_deployment(const Project& project, const std::string& name, const Yaml& node) {
  if (!is_name(name))
    return node.error(fmt::format("'{}' is not a name of a deployment", name))
        .hint("letters, digits, '_', '-' and '.'");
  MILLRACE_DO(node.only_keys(
      {"model", "unit", "unit_header", "guard", "alias", "canary", "isolation", "runtime", "rollout", "review"}));
  DeploymentSpec spec{.name = name, .where = node.where()};
  MILLRACE_TRY(spec.model, node.get_string("model"));
  const auto models = keys_of(project.section("models"));
  if (!has(models, spec.model)) return unknown("model", spec.model, *node.find("model"), models);
  spec.unit = node.string_or("unit", "");
  MILLRACE_DO(read_unit_header(node, spec));
  MILLRACE_DO(read_runtime(node, spec));
  spec.guard = node.string_or("guard", "reject");
  if (spec.guard != "reject" && spec.guard != "clamp" && spec.guard != "flag")
    return node.find("guard")
        ->error(fmt::format("there is no guard '{}'", spec.guard))
        .hint(
            "write guard: reject, which refuses a row that breaks the contract, clamp, which puts a number to the "
            "nearest one that it allows, or flag, which answers and says so");
  MILLRACE_DO(read_canary(node, spec));
  if (const auto* rollout = node.find("rollout")) {
    const auto* values = project.section("value");
    MILLRACE_TRY(spec.rollout, read_rollout(*rollout, values == nullptr ? nullptr : values->find(name)));
  }
  if (const auto* review = node.find("review")) {
    MILLRACE_TRY(spec.review, read_review(*review));
  }
  MILLRACE_DO(read_alias(node, spec));
  spec.isolation = node.string_or("isolation", spec.isolation);
  if (spec.isolation != "in_process" && spec.isolation != "process")
    return node.find("isolation")
        ->error(fmt::format("there is no isolation '{}'", spec.isolation))
        .hint("in_process (in the server, after a trial in a child) or process (in a process of its own)");
  return spec;
}

template <class Spec, class ReadEntry>
Result<std::vector<Spec>> read_section(const Project& project, std::string_view section, ReadEntry read_entry) {
  std::vector<Spec> out;
  const auto* node = project.section(section);
  if (node == nullptr || node->is_null()) return out;
  if (!node->is_map()) return node->error(fmt::format("{} is a map of names", section));
  if (node->entries().size() > kMostEntries)
    return node->error(fmt::format("{} has more than {} entries", section, kMostEntries));
  for (const auto& [name, entry] : node->entries()) {
    MILLRACE_TRY(auto spec, read_entry(project, name, entry));
    out.push_back(std::move(spec));
  }
  return out;
}

}  // namespace

Result<std::vector<ModelSpec>> read_models(const Project& project) {
  return read_section<ModelSpec>(project, "models", read_model);
}

Result<RegistrySpec> read_registry(const Project& project) {
  RegistrySpec spec;
  const auto* node = project.section("registry");
  if (node == nullptr || node->is_null()) return spec;
  MILLRACE_DO(node->only_keys({"protected", "approvals", "signed_by"}));
  MILLRACE_DO(check_signing(project, *node));
  MILLRACE_DO(read_approvals(*node, spec));
  if (const auto* list = node->find("protected")) {
    MILLRACE_TRY(spec.places, read_protected(*list));
  }
  return spec;
}

Result<std::vector<DeploymentSpec>> read_deployments(const Project& project) {
  MILLRACE_TRY(auto out, read_section<DeploymentSpec>(project, "deployments", read_deployment));
  std::map<std::pair<std::string, std::string>, std::string> bound;
  for (const auto& spec : out) {
    if (spec.alias.empty()) continue;
    const auto [at, fresh] = bound.emplace(std::pair(spec.model, spec.alias), spec.name);
    if (!fresh)
      return Error{Code::invalid, fmt::format("the deployments '{}' and '{}' both bind the alias '{}' of the model "
                                              "'{}'",
                                              at->second, spec.name, spec.alias, spec.model)}
          .at(spec.where)
          .hint("an alias is one deployment's stable arm: give each its own");
  }
  return out;
}

}  // namespace millrace::registry
