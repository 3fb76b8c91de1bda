#include <fmt/format.h>

#include "cli/host.h"
#include "core/files.h"
#include "core/project.h"
#include "data/contracts/backtest.h"
#include "data/contracts/contract_diff.h"
#include "data/datasets/sources.h"

namespace millrace::cli {
namespace {

// What stands on the columns whose promises fall, as far as the lineage knows; null without a state folder.
Result<Json> consumers(Invocation& in, const Json& diff) {
  const auto state = in.state_folder();
  if (!state || !exists(*state)) return Json();
  MILLRACE_TRY(auto* gateway, in.gateway());
  Json out = Json::array();
  std::set<std::pair<std::string, std::string>> asked;
  for (const auto& change : diff.at("changes")) {
    if (change.at("readers") != "breaking") continue;
    const auto dataset = in.args.get("--source", string_or(change, "object", ""));
    // A rule about the whole batch or the object itself concerns all of it.
    const auto column = change.at("column").is_string() ? change["column"].get<std::string>() : std::string("*");
    if (!asked.emplace(dataset, column).second) continue;
    MILLRACE_TRY(const auto versions, gateway->call("GET", address({"datasets", dataset, "versions"})));
    std::string node;
    for (const auto& version : versions.at("items"))
      if (string_or(version, "verdict", "") != "rejected") node = string_or(version, "node", "");
    if (node.empty()) continue;
    MILLRACE_TRY(const auto walk, gateway->call("GET", fmt::format("{}?column={}&direction=downstream",
                                                                   address({"columns", node}), column)));
    for (auto step : walk.at("steps")) {
      step["because"] = {{"dataset", node}, {"column", column}};
      out.push_back(std::move(step));
    }
  }
  return out;
}

std::string consumer_lines(const Json& consumers) {
  if (consumers.is_null()) return "no state folder: who stands on this is not known\n";
  if (consumers.empty()) return "nothing that the lineage knows stands on the columns that break for readers\n";
  std::vector<std::vector<std::string>> rows{{"consumer", "its column", "stands on", ""}};
  for (const auto& step : consumers)
    rows.push_back({string_or(step, "node", ""), string_or(step, "column", ""),
                    string_or(step.at("because"), "dataset", "") + "." + string_or(step.at("because"), "column", ""),
                    string_or(step, "type", "") == "DIRECT"   ? ""
                    : string_or(step, "how", "") == "unknown" ? "some column, not known which"
                                                              : "indirectly"});
  return table(rows);
}

Result<int> diff(Invocation& in) {
  MILLRACE_TRY(const auto before, data::load_contract(in.args.get("A")));
  MILLRACE_TRY(const auto after, data::load_contract(in.args.get("B")));
  MILLRACE_TRY(const auto diff, data::compare_contracts(before, after));
  auto answer = diff.to_json();
  MILLRACE_TRY(answer["consumers"], consumers(in, answer));
  std::vector<std::vector<std::string>> rows{{"change", "readers", "writers"}};
  for (const auto& change : answer["changes"])
    rows.push_back({string_or(change, "text", ""), string_or(change, "readers", ""), string_or(change, "writers", "")});
  std::string lines = fmt::format("{} {} -> {} {}: {}\n", before.id, before.version, after.id, after.version,
                                  string_or(answer, "verdict", ""));
  if (!diff.changes.empty()) lines += table(rows);
  if (answer["readers"] == "breaking") lines += "\n" + consumer_lines(answer["consumers"]);
  in.show(answer, lines);
  return diff.breaks() ? 1 : 0;
}

// The source's contract as the project has it now; its digest tells which versions it has checked.
Result<data::Contract> contract_of(Invocation& in, const std::string& source) {
  MILLRACE_TRY(const auto project, load_project(in.project_folder()));
  MILLRACE_TRY(const auto sources, data::read_sources(project));
  const auto* found = data::find_source(sources, source);
  if (found == nullptr)
    return Error{Code::not_found, fmt::format("the project has no source '{}'", source)}.hint("see millrace.yaml");
  return data::load_contract(found->contract_path);
}

std::string rate(const Json& three) {
  if (!three.is_array()) return "-";
  return fmt::format("{:.2f} ({:.2f} to {:.2f})", three[0].get<double>(), three[1].get<double>(),
                     three[2].get<double>());
}

std::string backtest_lines(const Json& answer) {
  std::vector<std::vector<std::string>> rows{{"rule", "fired", "of", "undecided", "pages a month (95 %)"}};
  for (const auto& [id, rule] : answer.at("rules").items())
    rows.push_back(rule.contains("decided") ? std::vector<std::string>{id, std::to_string(integer_or(rule, "fired", 0)),
                                                                       std::to_string(integer_or(rule, "decided", 0)),
                                                                       std::to_string(integer_or(rule, "undecided", 0)),
                                                                       rate(rule.at("pages_a_month"))}
                                            : std::vector<std::string>{id, "not run", "", "", ""});
  std::string budget;
  if (const auto* of = find(answer, "budget"))
    budget = fmt::format("anomalies: {} pages a month, {} allowed: {}\n", rate(of->at("pages_a_month")),
                         number_or(*of, "allowed_a_month", 0), string_or(*of, "verdict", ""));
  return table(rows) + budget +
         fmt::format("{} versions over {:.1f} months; any rule: {} pages a month\n", integer_or(answer, "versions", 0),
                     number_or(answer, "months", 0), rate(answer.at("any").at("pages_a_month")));
}

Result<int> backtest(Invocation& in) {
  MILLRACE_TRY(const auto candidate, data::load_contract(in.args.get("CONTRACT")));
  const auto source = in.args.get("SOURCE");
  MILLRACE_TRY(const auto* object, candidate.object(candidate.objects.size() == 1 ? "" : source));
  MILLRACE_TRY(const auto before, contract_of(in, source));
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto list, gateway->call("GET", address({"datasets", source, "versions"})));
  std::vector<data::PastVersion> versions;
  for (const auto& item : list.at("items")) {
    MILLRACE_TRY(auto version, gateway->call("GET", address({"datasets", source, "versions",
                                                             std::to_string(integer_or(item, "version", 0))})));
    data::PastVersion past{.node = string_or(version, "node", ""),
                           .findings = version.value("findings", Json::object()),
                           .under_before = string_or(version, "contract_digest", "") == before.digest};
    for (const auto& [key, time] :
         {std::pair{"from", &past.from}, {"to", &past.to}, {"recorded_at", &past.recorded_at}})
      if (const auto text = string_or(version, key, ""); !text.empty()) {
        MILLRACE_TRY(*time, parse_time(text));
      }
    versions.push_back(std::move(past));
  }
  MILLRACE_TRY(const auto answer, data::backtest(candidate, *object, &before, versions));
  in.show(answer, backtest_lines(answer));
  return integer_or(answer.at("any"), "fired", 0) == 0 ? 0 : 1;
}

}  // namespace

std::vector<Command> contract_compare_commands() {
  return {
      {.name = "contract diff",
       .summary =
           "what a new version of a contract changes, for readers and for writers; status 1 when it breaks either",
       .positionals = {{"A", "the contract as it was"}, {"B", "as it is to be"}},
       .options = {{.name = "--source",
                    .value = "NAME",
                    .summary = "the source whose consumers are looked up (default: the object's name)"}},
       .run = diff},
      {.name = "contract backtest",
       .summary = "how often a contract's rules would have fired on a source's stored history; status 1 when any would",
       .positionals = {{"CONTRACT", "the contract to be tried"}, {"SOURCE", "a source of millrace.yaml"}},
       .options = {},
       .run = backtest}};
}

}  // namespace millrace::cli
