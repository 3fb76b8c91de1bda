// Kinds of gates. A kind is one file here and one line in list.inc; its descriptor is the only place where its name,
// parameters and their ranges stand: the project reader, "did you mean" and the reference read them.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "core/result.h"
#include "core/yaml.h"
#include "data/datasets/datasets.h"
#include "registry/gates/scored_rows.h"
#include "stats/interval.h"

namespace millrace::registry {

struct GateParameter {
  enum class Form { number, integer, names };
  std::string_view name;
  Form form;
  std::string_view summary;
  double low = 0, high = 0;  // of numbers, both ends included
  Json otherwise = nullptr;  // null: must be given
};

GateParameter interval_parameter(std::string_view summary);  // the confidence of an interval, 0.95 unless given

// What a gate may look at.
struct GateInput {
  const std::vector<data::DatasetVersion>& data;  // every version behind the model
  const ScoredRows& scored;
  const Json& card;                 // models.NAME.card
  std::optional<double> threshold;  // from which a row counts as positive
  // What the version would have answered to what the model's deployments were asked in the last days, a report for each
  // that had traffic (monitor/rollout/replay.h). Empty where nothing can be replayed.
  std::function<Result<std::vector<Json>>(int64_t days)> replay = {};
};

struct GateOutcome {
  bool ok = false;
  Json value = nullptr;     // {value, low, high, level, n, limit} where there is one
  std::string reason;       // one sentence; when it failed, what would help
  Json evidence = nullptr;  // what the value was made of, for the report
};

struct GateKind {
  std::string_view name, summary;
  std::vector<GateParameter> parameters;
  // Parameters are complete and in range. A gate that says no is an outcome; an Error is a thing that could not be
  // looked at.
  Result<GateOutcome> (*evaluate)(const Json& parameters, const GateInput& input);
};

const std::vector<GateKind>& gate_kinds();              // in order of list.inc
const GateKind* find_gate_kind(std::string_view name);  // nullptr when unknown
std::string describe_gates();                           // Markdown: every kind and its parameters

// Reads a gate's parameters by its descriptor and adds what was left out. `given` is nullptr or a map; `at` is the
// gate's place.
Result<Json> read_gate_parameters(const GateKind& kind, const Yaml* given, const Yaml& at);

// {value, low, high, level, n, limit}: an estimate, how sure it is, and what was asked for.
Json measured_value(const stats::Interval& estimate, double level, int64_t n, double limit);

// A gate that could not be computed: not passed, and why.
GateOutcome gate_failed(std::string reason, Json evidence = nullptr);

}  // namespace millrace::registry
