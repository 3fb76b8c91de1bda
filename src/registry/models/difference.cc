#include "registry/models/difference.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include <fmt/format.h>

namespace millrace::registry {
namespace {

constexpr size_t kRows = 1'000;  // of each list
constexpr double kEqual = 1e-12;

// name -> what the two say; null = nothing.
using Pairs = std::map<std::string, std::pair<Json, Json>>;

const Json& part(const Json& of, std::string_view key) {
  static const Json none;
  const auto* found = find(of, key);
  return found == nullptr ? none : *found;
}

std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : to_text(value); }

Json list_of(Pairs&& pairs) {
  Json same = Json::array(), out = Json::array();
  for (auto& [name, pair] : pairs) {
    const bool differs = pair.first != pair.second;
    (differs ? out : same)
        .push_back(
            {{"name", name}, {"from", std::move(pair.first)}, {"to", std::move(pair.second)}, {"differs", differs}});
  }
  for (auto& each : same)
    if (out.size() < kRows) out.push_back(std::move(each));
  if (out.size() > kRows) out.erase(out.begin() + kRows, out.end());
  return out;
}

// Calls `read` with the places of the pairs of each side.
template <class Read>
Json paired(const DiffSide& from, const DiffSide& to, Read read) {
  Pairs pairs;
  read(from, [&](const std::string& name, Json value) { pairs[name].first = std::move(value); });
  read(to, [&](const std::string& name, Json value) { pairs[name].second = std::move(value); });
  return list_of(std::move(pairs));
}

Json number(const Json& value) { return value.is_number() ? value : Json(nullptr); }

Json estimate(const Json& value) {
  if (!value.is_object() || !part(value, "value").is_number()) return nullptr;
  return {{"value", part(value, "value")}, {"low", number(part(value, "low"))}, {"high", number(part(value, "high"))}};
}

template <class Put>
void put_gates(const DiffSide& side, const Put& put) {
  for (const auto& gate : side.stored.version.gates)
    put(gate.kind, {{"ok", gate.ok}, {"value", gate.value}, {"reason", gate.reason}});
}

// What gates measured with an interval, and what the run logged.
template <class Put>
void put_metrics(const DiffSide& side, const Put& put) {
  for (const auto& metric : side.metrics)
    put(metric.key, std::isfinite(metric.value) ? Json{{"value", metric.value}, {"low", nullptr}, {"high", nullptr}}
                                                : Json(nullptr));
  for (const auto& gate : side.stored.version.gates)
    if (auto value = estimate(gate.value); !value.is_null()) put(gate.kind, std::move(value));
}

void flatten(const std::string& name, const Json& value, const std::function<void(const std::string&, Json)>& put) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) flatten(name.empty() ? key : name + "." + key, inner, put);
    return;
  }
  if (!value.is_null()) put(name, text_of(value));
}

template <class Put>
void put_params(const DiffSide& side, const Put& put) {
  for (const auto& param : side.params) put(param.key, param.value);
  for (const auto& stage : part(side.stored.facts, "stages")) {
    const auto name = string_or(stage, "stage", "");
    flatten(name, part(stage, "params"), put);
    if (const auto& seed = part(stage, "seed"); !seed.is_null()) put(name + ".seed", text_of(seed));
  }
}

template <class Put>
void put_data(const DiffSide& side, const Put& put) {
  std::map<std::string, std::vector<std::string>> versions;
  for (const auto& each : part(side.stored.facts, "data"))
    versions[string_or(each, "name", "")].push_back(std::to_string(integer_or(each, "version", 0)));
  for (const auto& [name, numbers] : versions) {
    std::string listed;
    for (const auto& one : numbers) listed += (listed.empty() ? "" : ", ") + one;
    put(name, fmt::format("version{} {}", numbers.size() == 1 ? "" : "s", listed));
  }
}

template <class Put>
void put_code(const DiffSide& side, const Put& put) {
  if (!side.stored.version.digests.code.empty()) put("(all code)", side.stored.version.digests.code);
  for (const auto& stage : part(side.stored.facts, "stages")) {
    const auto name = string_or(stage, "stage", "");
    flatten(name, part(stage, "code"), put);
    for (const char* key : {"command", "sql"})
      if (const auto& value = part(stage, key); !value.is_null() && !value.empty())
        put(fmt::format("{}: {}", name, key), text_of(value));
  }
}

template <class Put>
void put_environment(const DiffSide& side, const Put& put) {
  for (const auto& stage : part(side.stored.facts, "stages")) {
    auto environment = part(stage, "environment");
    if (environment.is_object()) environment.erase("git");
    flatten(string_or(stage, "stage", ""), environment, put);
  }
}

template <class Put>
void put_signature(const DiffSide& side, const Put& put) {
  if (!side.contract) return;
  for (const auto& object : side.contract->objects)
    for (const auto& property : object.properties)
      put(property.name, std::string(data::name_of(property.type)) + (property.required ? ", required" : ""));
}

struct Group {
  Json rows[2], estimate[2];
};

// Recall by group, of the gate that looks at groups.
void read_groups(const DiffSide& side, size_t which, std::map<std::pair<std::string, std::string>, Group>& out) {
  for (const auto& gate : part(side.report, "gates")) {
    const auto& tables = part(part(gate, "evidence"), "groups");
    if (!tables.is_object()) continue;
    for (const auto& [by, table] : tables.items())
      for (const auto& line : table) {
        auto& group = out[{by, string_or(line, "group", "")}];
        group.rows[which] = part(line, "rows");
        if (part(line, "recall").is_number())
          group.estimate[which] = {{"value", part(line, "recall")},
                                   {"low", number(part(line, "low"))},
                                   {"high", number(part(line, "high"))}};
      }
  }
}

double moved(const Json& row) {
  const auto at = [&](const char* side) { return number_or(part(row, side), "value", std::nan("")); };
  const double by = std::abs(at("to") - at("from"));
  return std::isfinite(by) ? by : -1;
}

Json groups_of(const DiffSide& from, const DiffSide& to) {
  std::map<std::pair<std::string, std::string>, Group> found;
  read_groups(from, 0, found);
  read_groups(to, 1, found);
  Json out = Json::array();
  for (auto& [key, group] : found) {
    Json row{{"by", key.first},           {"group", key.second},
             {"metric", "recall"},        {"rows", {{"from", group.rows[0]}, {"to", group.rows[1]}}},
             {"from", group.estimate[0]}, {"to", group.estimate[1]}};
    row["differs"] = group.estimate[0].is_null() != group.estimate[1].is_null() || moved(row) > kEqual;
    out.push_back(std::move(row));
  }
  std::stable_sort(out.begin(), out.end(), [](const Json& a, const Json& b) { return moved(a) > moved(b); });
  return out;
}

Json head(const ModelVersion& version) {
  return {{"version", version.version},
          {"node", version.node()},
          {"state", version.state},
          {"created_at", to_iso(version.created_at)},
          {"author", version.author},
          {"run_id", version.run_id},
          {"digests", version.digests.to_json()}};
}

}  // namespace

Json diff_versions(const DiffSide& from, const DiffSide& to) {
  using Put = std::function<void(const std::string&, Json)>;
  const auto list = [&](auto read) {
    return paired(from, to, [&](const DiffSide& side, const Put& put) { read(side, put); });
  };
  return {{"from", head(from.stored.version)},
          {"to", head(to.stored.version)},
          {"gates", list(put_gates<Put>)},
          {"metrics", list(put_metrics<Put>)},
          {"groups", groups_of(from, to)},
          {"params", list(put_params<Put>)},
          {"data", list(put_data<Put>)},
          {"code", list(put_code<Put>)},
          {"environment", list(put_environment<Put>)},
          {"signature", list(put_signature<Put>)}};
}

}  // namespace millrace::registry
