// release status, hold, resume, diff: rollouts that decide by evidence, and what shadows made of the same requests.
#include <cmath>

#include <fmt/format.h>

#include "cli/follow.h"
#include "cli/host.h"

namespace millrace::cli {
namespace {

const Json& at(const Json& json, std::string_view key) {
  static const Json none;
  const auto* found = find(json, key);
  return found == nullptr ? none : *found;
}

std::string number(double value) { return fmt::format("{:.3g}", value); }

// "0.05 [0.031, 0.08]"
std::string interval(const Json& json, double unit = 1) {
  if (!json.is_object()) return "-";
  const auto& high = at(json, "high");
  return fmt::format("{} [{}, {}]", number(number_or(json, "value", std::nan("")) / unit),
                     number(number_or(json, "low", 0) / unit),
                     high.is_number() ? number(high.get<double>() / unit) : "?");
}

std::string limit_of(const Json& guard) {
  if (string_or(guard, "guardrail", "") == "latency")
    return fmt::format("p{} at most {} x", number(number_or(guard, "quantile", 0) * 100),
                       number(number_or(guard, "ratio", 0)));
  if (string_or(guard, "guardrail", "") == "value")
    return fmt::format("at most {} less", number(number_or(guard, "per_1000", 0)));
  return fmt::format("at most {} more", number(number_or(guard, "tolerance", 0)));
}

std::string guards_of(const Json& report) {
  std::vector<std::vector<std::string>> rows{{"guardrail", "limit", "canary", "stable", "compared", "e-value", "safe"}};
  for (const auto& guard : at(report, "guardrails")) {
    const auto name = string_or(guard, "guardrail", "");
    const double unit = name == "latency" ? 1'000 : 1;
    const auto& compared = at(guard, "compared");
    rows.push_back({name == "latency" ? "latency, ms"
                    : name == "value" ? string_or(guard, "currency", "") + " per 1,000"
                                      : name,
                    limit_of(guard), interval(at(guard, "canary"), unit), interval(at(guard, "stable"), unit),
                    fmt::format("{} and {}", integer_or(compared, "canary", 0), integer_or(compared, "stable", 0)),
                    number(number_or(guard, "e_value", 1)), at(guard, "safe") == true ? "shown" : "not yet"});
  }
  return table(rows);
}

std::string rollout_text(const Json& report) {
  const auto& requests = at(report, "requests");
  return fmt::format("{} beside {}: {}, {} and {} requests, e-value of harm {} of {} (alpha {})\n{}",
                     string_or(report, "canary", ""), string_or(report, "stable", ""), string_or(report, "verdict", ""),
                     integer_or(requests, "canary", 0), integer_or(requests, "stable", 0),
                     number(number_or(report, "e_value", 1)), number(number_or(report, "limit", 0)),
                     number(number_or(at(report, "policy"), "alpha", 0)), guards_of(report));
}

std::string aa_text(const Json& aa) {
  const auto& rate = at(aa, "rate");
  return fmt::format("A/A: {} false alarms in {} runs of {} canary requests, {}\n", integer_or(aa, "false_alarms", 0),
                     integer_or(aa, "runs", 0), integer_or(aa, "run_requests", 0),
                     rate.is_object() ? "a share of " + interval(rate) : std::string("none has ended yet"));
}

std::string status_text(const Json& status) {
  const auto& live = at(status, "live");
  std::string out = fmt::format("{}: {}\n", string_or(live, "node", ""), string_or(status, "state", ""));
  if (const auto& hold = at(status, "hold"); hold.is_object())
    out += fmt::format("held by {} since {}: {}\n", string_or(hold, "subject", ""), string_or(hold, "at", ""),
                       string_or(hold, "why", ""));
  if (const auto next = string_or(status, "next", ""); !next.empty()) out += "next: " + next + "\n";
  if (const auto problem = string_or(status, "problem", ""); !problem.empty()) out += "problem: " + problem + "\n";
  if (const auto& rollout = at(status, "rollout"); rollout.is_object()) {
    if (const auto& aa = at(rollout, "aa"); aa.is_object()) out += aa_text(aa);
    out += rollout_text(rollout);
  }
  if (const auto& decided = at(status, "decided"); decided.is_object() && !at(status, "rollout").is_object())
    out += fmt::format("last decided by {}: {} ({}). {}\n{}", string_or(decided, "subject", ""),
                       string_or(decided, "node", ""), string_or(decided, "step", ""), string_or(decided, "reason", ""),
                       rollout_text(at(decided, "evidence")));
  return out;
}

std::string percent(const Json& rate) {
  return fmt::format("{} % [{}, {}]", number(number_or(rate, "value", 0) * 100),
                     number(number_or(rate, "low", 0) * 100), number(number_or(rate, "high", 0) * 100));
}

std::string segments_text(const Json& segments, const char* what) {
  std::vector<std::vector<std::string>> rows{{what, "rows", "mean |dp|", "mean dp", "flips"}};
  for (const auto& segment : segments) {
    const auto& value = at(segment, "value");
    rows.push_back({string_or(segment, "column", "") + " = " + (value.is_string() ? value.get<std::string>() : "null"),
                    std::to_string(integer_or(segment, "rows", 0)), number(number_or(segment, "mean_abs", 0)),
                    number(number_or(segment, "mean", 0)), percent(at(segment, "flip_rate"))});
  }
  return rows.size() > 1 ? table(rows) : "";
}

std::string difference_text(const Json& it) {
  const auto& quantiles = at(it, "quantiles");
  std::string out = fmt::format(
      "{}, {} rows that both answered: |dp| mean {}, p50 {}, p90 {}, p99 {}, largest {}\n{} flips, {} ({} to positive, "
      "{} "
      "to negative)\n",
      string_or(it, "shadow", ""), integer_or(it, "rows", 0), number(number_or(it, "mean_abs", 0)),
      number(number_or(quantiles, "p50", 0)), number(number_or(quantiles, "p90", 0)),
      number(number_or(quantiles, "p99", 0)), number(number_or(it, "max_abs", 0)), integer_or(it, "flips", 0),
      percent(at(it, "flip_rate")), integer_or(it, "to_positive", 0), integer_or(it, "to_negative", 0));
  if (const auto& stored = at(it, "stored"); integer_or(stored, "windows", 0) > 0)
    out += fmt::format("{} rows of {} ended windows as they were stored, {} to {}; the others from the log\n",
                       integer_or(stored, "rows", 0), integer_or(stored, "windows", 0), string_or(stored, "from", ""),
                       string_or(stored, "to", ""));
  return out + segments_text(at(it, "segments"), "segment") + segments_text(at(it, "groups"), "group");
}

Result<int> status(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto answer, gateway->call("GET", address({"deployments", in.args.get("DEPLOYMENT"), "rollout"})));
  in.show(answer, status_text(answer));
  return 0;
}

Result<int> hold(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  const bool rollback = in.args.has("--even-rollback");
  MILLRACE_TRY(const auto answer,
               gateway->call("POST", address({"deployments", in.args.get("DEPLOYMENT"), "rollout", "hold"}),
                             {{"why", in.args.get("--why")}, {"rollback", rollback}}));
  in.show(answer, rollback ? "held: the policy moves nothing, and takes nothing back\n"
                           : "held: the policy goes no further; it still takes back what does harm\n");
  return 0;
}

Result<int> resume(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto answer,
               gateway->call("POST", address({"deployments", in.args.get("DEPLOYMENT"), "rollout", "resume"}),
                             {{"why", in.args.get("--why")}}));
  in.show(answer, status_text(answer));
  return 0;
}

Result<int> diff(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto version, in.args.integer("--version", 0));
  MILLRACE_TRY(const auto answer,
               gateway->call("GET", address({"deployments", in.args.get("DEPLOYMENT"), "difference"}) +
                                        fmt::format("?version={}", version)));
  in.show(answer, difference_text(answer));
  return 0;
}

// A limit that the report must keep, for CI.
Result<void> check_limit(const Invocation& in, std::string_view option, std::string_view what, double found) {
  const auto text = in.args.get(std::string(option));
  if (text.empty()) return {};
  char* end = nullptr;
  const double limit = std::strtod(text.c_str(), &end);
  if (*end != '\0' || !(limit >= 0))
    return Error{Code::invalid, fmt::format("{} takes a number from 0, not '{}'", option, text)};
  if (found <= limit) return {};
  return Error{Code::rejected, fmt::format("{} is {}, the limit {}", what, number(found), number(limit))}.hint(
      "look at the segments that flip most, or give another limit");
}

std::string replay_text(const Json& it) {
  const auto& rows = at(it, "replay");
  return fmt::format("replayed {} rows of the log ({} refused by its contract, {} failed, {} without all inputs)\n",
                     integer_or(rows, "replayed", 0), integer_or(rows, "refused", 0), integer_or(rows, "failed", 0),
                     integer_or(rows, "incomplete", 0)) +
         difference_text(it);
}

Result<int> replay(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto version, in.args.integer("--version", 0));
  Json body{{"version", version}};
  for (const char* end : {"from", "to"})
    if (const auto time = in.args.get(fmt::format("--{}", end)); !time.empty()) body[end] = time;
  MILLRACE_TRY(const auto job,
               gateway->call("POST", address({"deployments", in.args.get("DEPLOYMENT"), "replay"}), body));
  MILLRACE_TRY(const auto done, follow_job(in, *gateway, string_or(job, "id", "")));
  const auto& report = at(done, "result");
  in.show(report, replay_text(report));
  MILLRACE_DO(check_limit(in, "--most-flips", "the share of rows whose choice flips",
                          number_or(at(report, "flip_rate"), "value", 0)));
  MILLRACE_DO(check_limit(in, "--most-mean", "the mean of |dp|", number_or(report, "mean_abs", 0)));
  return 0;
}

}  // namespace

std::vector<Command> rollout_commands() {
  const std::vector<Positional> deployment{{"DEPLOYMENT", "a deployment of millrace.yaml"}};
  const Option why{
      .name = "--why", .value = "TEXT", .summary = "the reason, kept in the audit chain", .required = true};
  return {{.name = "release status",
           .summary = "how far a canary's rollout has come: the evidence on each guardrail, and what comes next",
           .positionals = deployment,
           .options = {},
           .run = status},
          {.name = "release hold",
           .summary = "let the policy go no further; it still takes back what does harm",
           .positionals = deployment,
           .options = {why, {.name = "--even-rollback", .value = "", .summary = "it does not take back either"}},
           .run = hold},
          {.name = "release resume",
           .summary = "let the policy go on",
           .positionals = deployment,
           .options = {why},
           .run = resume},
          {.name = "release diff",
           .summary = "what a shadow answered beside the answers that were given, by row and by segment",
           .positionals = deployment,
           .options = {{.name = "--version", .value = "N", .summary = "of a shadow; without it the only one"}},
           .run = diff},
          {.name = "release replay",
           .summary = "what a version would have answered to the logged requests, before it meets any",
           .positionals = deployment,
           .options = {{.name = "--version", .value = "N", .summary = "of the deployment's model", .required = true},
                       {.name = "--from", .value = "TIME", .summary = "event times from this one on"},
                       {.name = "--to", .value = "TIME", .summary = "and before this one"},
                       {.name = "--most-flips",
                        .value = "SHARE",
                        .summary = "fail when more of the rows would be decided otherwise"},
                       {.name = "--most-mean", .value = "X", .summary = "fail when |dp| is larger in the mean"}},
           .run = replay}};
}

}  // namespace millrace::cli
