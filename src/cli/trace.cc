#include <algorithm>

#include <fmt/format.h>

#include "api/client.h"
#include "cli/host.h"

namespace millrace::cli {
namespace {

constexpr size_t kShownEvidence = 4;
constexpr double kShownScore = 0.2;

std::string names(const Json& list) {
  std::string out;
  for (const auto& one : list) out += (out.empty() ? "" : ", ") + one.get<std::string>();
  return out;
}

std::string path_text(const Json& path) {
  std::string out;
  for (const auto& step : path) out += (out.empty() ? "" : " -> ") + step.get<std::string>();
  return out;
}

// First and last days of a series around the boundary, so that the step can be seen without a picture.
std::string series_text(const Json& evidence) {
  const auto* series = ::millrace::find(evidence, "series");
  if (series == nullptr || series->size() < 4) return "";
  std::string out;
  const size_t step = std::max<size_t>(1, series->size() / 8);
  for (size_t i = 0; i < series->size(); i += step)
    out += fmt::format("{}{} {:.4g}", out.empty() ? "" : ", ", string_or((*series)[i], "day", "").substr(5),
                       number_or((*series)[i], "value", 0));
  return out;
}

std::string candidate_text(const Json& candidate) {
  const auto columns = names(candidate.at("columns"));
  std::string out = fmt::format("{}. {:.2f}  {}{}  ({})\n", integer_or(candidate, "rank", 0),
                                number_or(candidate, "score", 0), string_or(candidate, "node", ""),
                                columns.empty() ? "" : "  " + columns, string_or(candidate, "change", ""));
  if (candidate.at("path").size() > 1) out += "   " + path_text(candidate.at("path")) + "\n";
  const auto& evidence = candidate.at("evidence");
  for (size_t i = 0; i < std::min(kShownEvidence, evidence.size()); ++i) {
    out += "   - " + string_or(evidence[i], "text", "") + "\n";
    if (i == 0)
      if (const auto days = series_text(evidence[i]); !days.empty()) out += "     by day: " + days + "\n";
  }
  if (evidence.size() > kShownEvidence)
    out += fmt::format("   and {} more (--json)\n", evidence.size() - kShownEvidence);
  return out;
}

std::string story(const Json& document) {
  std::string out = fmt::format("{}: {}\n", string_or(document, "verdict", ""), string_or(document, "summary", ""));
  size_t left_out = 0;
  for (const auto& candidate : document.at("candidates")) {
    if (integer_or(candidate, "rank", 0) > 1 && number_or(candidate, "score", 0) < kShownScore)
      ++left_out;
    else
      out += "\n" + candidate_text(candidate);
  }
  if (left_out > 0) out += fmt::format("\n{} weaker candidates are left out (--json shows them)\n", left_out);
  return out;
}

Result<Json> question_of(const Args& args) {
  Json body = Json::object();
  for (const auto* option : {"--kind", "--subject", "--from", "--to"}) {
    if (!args.has(option))
      return Error{Code::invalid, fmt::format("a trace without an alert needs {}", option)}.hint(
          "millrace trace --deployment D --kind drift --subject COLUMN --from 2013-10-01 --to 2013-11-01");
    body[std::string(option).substr(2)] = args.get(option);
  }
  return body;
}

Result<int> trace(Invocation& in) {
  const bool free = in.args.has("--deployment");
  if (free == in.args.has("ALERT"))
    return Error{Code::invalid, "a trace is of an ALERT, or of a --deployment with --kind, --subject, --from and --to"};
  Json body = Json::object();
  if (free) {
    MILLRACE_TRY(body, question_of(in.args));
  }
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto document, gateway->call("POST",
                                                  free ? address({"deployments", in.args.get("--deployment"), "trace"})
                                                       : address({"alerts", in.args.get("ALERT"), "trace"}),
                                                  body));
  in.show(document, story(document));
  return 0;
}

}  // namespace

std::vector<Command> trace_commands() {
  return {{.name = "trace",
           .summary = "which upstream change explains an alert, ranked by evidence",
           .positionals = {{"ALERT", "an alert; or leave it out and ask with --deployment", false}},
           .options = {{.name = "--deployment", .value = "NAME", .summary = "ask without an alert: of this deployment"},
                       {.name = "--kind",
                        .value = "KIND",
                        .summary = "drift, nulls, performance, refusals, quarantine or latency"},
                       {.name = "--subject", .value = "NAME", .summary = "the column, metric, field or dataset"},
                       {.name = "--from", .value = "TIME", .summary = "the window begins"},
                       {.name = "--to", .value = "TIME", .summary = "and ends before"}},
           .run = trace}};
}

}  // namespace millrace::cli
