#include "report/pages/story.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "monitor/alert/headline.h"
#include "monitor/trace/words.h"
#include "report/facts.h"
#include "report/words.h"

namespace millrace::report {
namespace {

constexpr std::string_view kDataset = "dataset:";
constexpr size_t kEvidence = 5, kFilesNamed = 3;

std::vector<std::string> texts_in(const Json& object, std::string_view key) {
  std::vector<std::string> out;
  for (const auto& each : list_in(object, key))
    if (each.is_string()) out.push_back(each.get<std::string>());
  return out;
}

// Numbers and dates come with spaces that do not break, which are for pages and not for texts.
std::string plain(std::string text) {
  constexpr std::string_view kNoBreak = "\xC2\xA0";
  for (auto at = text.find(kNoBreak); at != std::string::npos; at = text.find(kNoBreak, at))
    text.replace(at, kNoBreak.size(), " ");
  return text;
}

Json step(std::string_view kind, const std::string& title, const std::string& text, const std::string& node,
          Json evidence) {
  return {{"kind", kind},
          {"title", plain(title)},
          {"text", plain(text)},
          {"node", node.empty() ? Json(nullptr) : Json(node)},
          {"evidence", std::move(evidence)}};
}

// Names stay as they are, also where they begin a sentence.
std::string sentence(std::string text) {
  if (!text.empty() && text.back() != '.') text += '.';
  return text;
}

std::string period_of(const Json& alert) { return period(time_in(alert, "from"), time_in(alert, "to")); }

// The node of the window that showed it last, from the alert's history.
std::string window_node(const Json& alert) {
  const auto& events = list_in(alert, "events");
  for (auto event = events.rbegin(); event != events.rend(); ++event)
    if (const auto node = string_or(object_in(*event, "body"), "window", ""); !node.empty()) return node;
  return "";
}

Json window_step(const Json& alert) {
  const auto deployment = string_or(alert, "deployment", "");
  const auto arm = string_or(alert, "arm", "");
  const auto who = arm == "all" ? std::string("all requests") : fmt::format("the {} arm", arm);
  auto text = sentence(fmt::format("In {}, {} of '{}' broke a rule: {}", period_of(alert), who, deployment,
                                   string_or(alert, "what", title_of(alert))));
  return step("window", fmt::format("{} in {}", title_of(alert), period_of(alert)), text, window_node(alert),
              {{"value", alert.value("value", Json())},
               {"limit", alert.value("limit", Json())},
               {"severity", string_or(alert, "severity", "")},
               {"n", object_in(alert, "evidence").value("n", Json())},
               {"interval", object_in(alert, "evidence").value("interval", Json())}});
}

// How the column that is complained of looks beside what the model was taught.
Json feature_step(const Json& alert) {
  const auto& column = object_in(object_in(alert, "evidence"), "column");
  const auto subject = string_or(alert, "subject", "");
  if (column.empty()) return nullptr;
  std::vector<std::string> parts;
  const double mean = number_in(column, "mean"), before = number_in(column, "reference_mean");
  if (std::isfinite(mean) && std::isfinite(before))
    parts.push_back(fmt::format("its mean is {}, the model was taught {}", rounded(mean), rounded(before)));
  const double nulls = number_in(column, "null_rate"), nulls_before = number_in(column, "reference_null_rate");
  if (std::isfinite(nulls) && std::isfinite(nulls_before) && std::abs(nulls - nulls_before) >= 0.001)
    parts.push_back(fmt::format("{} of its values are missing, {} were", percent(nulls), percent(nulls_before)));
  if (const double psi = number_in(column, "psi"); std::isfinite(psi))
    parts.push_back(fmt::format("its distance from what was taught (PSI) is {}", decimal(psi, 2)));
  if (parts.empty()) return nullptr;
  return step("feature", "feature " + subject,
              sentence(fmt::format("Feature '{}': {}", subject, fmt::join(parts, "; "))), "", column);
}

const Json& first_candidate(const Json& trace) {
  static const Json kNone = Json::object();
  const auto cause = string_or(object_in(trace, "cause"), "node", "");
  for (const auto& candidate : list_in(trace, "candidates"))
    if (string_or(candidate, "node", "") == cause) return candidate;
  return kNone;
}

Json evidence_of(const Json& candidate) {
  Json out = Json::array();
  for (const auto& one : list_in(candidate, "evidence"))
    if (out.size() < kEvidence) out.push_back(one);
  return out;
}

// Which of the columns breaks, and the way from it to the alert.
Json column_step(const Json& alert, const Json& candidate) {
  const auto columns = texts_in(candidate, "columns");
  if (columns.empty()) return nullptr;
  const auto dataset = string_or(candidate, "dataset", "");
  const auto& evidence = list_in(candidate, "evidence");
  const auto told = evidence.empty() ? std::string() : string_or(evidence.front(), "text", "");
  auto text =
      sentence(monitor::change_words(string_or(candidate, "node", ""), columns, string_or(candidate, "change", "")));
  if (!told.empty()) text += " " + sentence(told);
  const auto path = texts_in(candidate, "path");
  if (path.size() > 1) text += fmt::format(" It reaches {} by {}.", title_of(alert), fmt::join(path, " to "));
  return step("column", fmt::format("{} of {}", fmt::join(columns, ", "), dataset), text,
              string_or(candidate, "node", ""),
              {{"columns", columns},
               {"change", candidate.value("change", Json())},
               {"path", path},
               {"pieces", evidence_of(candidate)}});
}

Json dataset_step(const Json& version) {
  const auto node = string_or(version, "node", "");
  auto text = fmt::format("{} holds {} rows", node, count(number_in(version, "rows")));
  if (version.contains("from")) text += fmt::format(" of {}", period(time_in(version, "from"), time_in(version, "to")));
  text += fmt::format(", was {} by its contract", string_or(version, "verdict", ""));
  if (const double aside = number_in(version, "quarantined"); aside > 0)
    text += fmt::format(" with {} rows set aside", count(aside));
  text += fmt::format(", and came in on {}", moment(time_in(version, "recorded_at")));
  return step("dataset",
              fmt::format("version {} of {}", integer_or(version, "version", 0), string_or(version, "dataset", "")),
              sentence(text), node, version);
}

Json source_step(const Json& source) {
  std::vector<std::string> names;
  const auto& files = list_in(object_in(source, "attributes"), "files");
  for (const auto& file : files)
    if (names.size() < kFilesNamed) names.push_back(string_or(file, "name", ""));
  const auto more = files.size() - names.size();
  const auto listed = fmt::format("{}{}", fmt::join(names, ", "), more > 0 ? fmt::format(" and {} more", more) : "");
  return step("source", listed, sentence(fmt::format("It came as {}", listed)), string_or(source, "id", ""),
              {{"files", files}});
}

// Code, parameters, environment, a release.
Json other_step(const Json& candidate) {
  const auto kind = string_or(candidate, "kind", ""), node = string_or(candidate, "node", "");
  const auto& evidence = list_in(candidate, "evidence");
  const auto text = evidence.empty() ? string_or(candidate, "change", "") : string_or(evidence.front(), "text", "");
  return step(kind == "release"  ? "release"
              : kind == "source" ? "source"
                                 : "code",
              node, sentence(text), node,
              {{"change", candidate.value("change", Json())}, {"pieces", evidence_of(candidate)}});
}

std::string verdict_words(const std::string& verdict) {
  if (verdict == "cause") return "the cause is known";
  if (verdict == "natural_drift") return "natural drift: nothing broke";
  if (verdict == "not_enough_evidence") return "there is not enough evidence for a cause";
  return "nobody has looked for the cause yet";
}

// What followed from it.
std::string action_words(const Json& alert) {
  const auto& action = object_in(alert, "action");
  const auto kind = string_or(action, "kind", ""), reason = string_or(action, "reason", "");
  if (kind.empty() || kind == "none") return "";
  const auto what = kind == "review"    ? std::string("A review was opened")
                    : kind == "retrain" ? std::string("A retraining was started")
                    : kind == "refused" ? std::string("No retraining was started")
                                        : "What followed: " + kind;
  return " " + sentence(reason.empty() ? what : what + ": " + reason);
}

// "dep_delay of dataset:flights@11"
std::string named(const Json& candidate) {
  const auto columns = texts_in(candidate, "columns");
  const auto node = string_or(candidate, "node", "");
  return columns.empty() ? node : fmt::format("{} of {}", fmt::join(columns, ", "), node);
}

Json verdict_step(const Json& alert, const Json& trace, const Json& candidate) {
  const auto verdict = string_or(trace, "verdict", "");
  auto text = sentence(string_or(trace, "summary", verdict.empty() ? "ask for it: POST /alerts/{id}/trace" : ""));
  const auto& all = list_in(trace, "candidates");
  if (verdict == "cause" && all.size() > 1)
    text += fmt::format(" {} more {} weighed; the strongest of them, {}, reached {} against {}.", all.size() - 1,
                        all.size() == 2 ? "candidate was" : "candidates were", named(all[1]),
                        decimal(number_in(all[1], "score"), 2), decimal(number_in(candidate, "score"), 2));
  text += action_words(alert);
  Json weighed = Json::array();
  for (const auto& each : all)
    weighed.push_back({{"node", each.value("node", Json())},
                       {"kind", each.value("kind", Json())},
                       {"columns", each.value("columns", Json())},
                       {"change", each.value("change", Json())},
                       {"score", each.value("score", Json())}});
  return step("verdict", verdict_words(verdict), text, "",
              {{"verdict", verdict.empty() ? Json(nullptr) : Json(verdict)},
               {"candidates", std::move(weighed)},
               {"examined", list_in(trace, "examined")},
               {"movement", list_in(trace, "movement")},
               {"action", alert.value("action", Json())}});
}

// dataset and number of "dataset:NAME@7".
std::optional<std::pair<std::string, int64_t>> version_in(const std::string& node) {
  const auto at = node.rfind('@');
  if (!node.starts_with(kDataset) || at == std::string::npos) return std::nullopt;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(node.data() + at + 1, node.data() + node.size(), number);
  if (error != std::errc() || end != node.data() + node.size()) return std::nullopt;
  return std::pair(node.substr(kDataset.size(), at - kDataset.size()), number);
}

}  // namespace

Json tell_story(const StoryFacts& facts) {
  const auto& alert = facts.alert;
  const auto& trace = object_in(alert, "trace");
  const auto& candidate = first_candidate(trace);
  Json steps = Json::array();
  const auto add = [&](Json step) {
    if (!step.is_null()) steps.push_back(std::move(step));
  };
  add(window_step(alert));
  add(feature_step(alert));
  if (!candidate.empty()) {
    const bool data = string_or(candidate, "kind", "") == "data";
    if (data) add(column_step(alert, candidate));
    for (const auto& version : facts.versions) add(dataset_step(version));
    for (const auto& source : facts.source_nodes) add(source_step(source));
    if (!data) add(other_step(candidate));
  }
  add(verdict_step(alert, trace, candidate));
  return {{"title", title_of(alert)},
          {"alert", string_or(alert, "id", "")},
          {"verdict", trace.empty() ? Json(nullptr) : Json(string_or(trace, "verdict", ""))},
          {"steps", std::move(steps)}};
}

Result<Json> story_page(const data::Datasets& datasets, const store::Database& database, const std::string& workspace,
                        const Json& alert) {
  StoryFacts facts{.alert = alert, .versions = {}, .source_nodes = {}};
  const auto cause = cause_of(alert);
  const auto named = version_in(cause);
  if (!named) return tell_story(facts);
  auto version = datasets.get(workspace, named->first, named->second);
  if (!version && version.error().code() != Code::not_found) return std::move(version).error();
  if (version) {
    Json json{{"node", version->node()},       {"dataset", version->dataset},
              {"version", version->version},   {"rows", version->rows},
              {"accepted", version->accepted}, {"quarantined", version->quarantined},
              {"verdict", version->verdict},   {"recorded_at", to_iso(version->recorded_at)}};
    if (version->period_to != 0) {
      json["from"] = to_iso(version->period_from);
      json["to"] = to_iso(version->period_to);
    }
    facts.versions.push_back(std::move(json));
  }
  auto walk = lineage::walk(database, workspace, cause, lineage::Direction::upstream, 1);
  if (!walk && walk.error().code() != Code::not_found) return std::move(walk).error();
  if (walk)
    for (const auto& node : walk->nodes)
      if (node.id.starts_with("source:"))
        facts.source_nodes.push_back({{"id", node.id}, {"attributes", node.attributes}});
  return tell_story(facts);
}

}  // namespace millrace::report
