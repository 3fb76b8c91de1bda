#include <fmt/format.h>

#include "api/client.h"
#include "cli/follow.h"
#include "cli/host.h"

namespace millrace::cli {
namespace {

std::string plan_lines(const Json& plan) {
  std::string out;
  for (const auto& stage : plan.at("items")) {
    out += fmt::format("{:<14} {}\n", string_or(stage, "stage", ""), string_or(stage, "action", ""));
    if (const auto* why = find(stage, "why"); why != nullptr && why->is_array())
      for (const auto& reason : *why)
        out += fmt::format("    {}\n",
                           reason.is_string() ? reason.get<std::string>() : string_or(reason, "text", to_text(reason)));
  }
  return out;
}

Result<int> why(Invocation& in, Gateway& gateway, const std::string& stage) {
  MILLRACE_TRY(const auto plan,
               gateway.call("GET", address({"pipeline", "plan"}) + "?stage=" + api::encode_path(stage)));
  in.show(plan, plan_lines(plan));
  return 0;
}

// STAGE.PARAM=VALUE; the value is read as JSON where it is JSON, else as text.
Result<Json> read_settings(const std::vector<std::string>& words) {
  Json out = Json::object();
  for (const auto& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error{Code::invalid, fmt::format("'{}' sets nothing", word)}.at_field("--set").hint(
          "write e.g. --set train.trees=600");
    const auto text = word.substr(equals + 1);
    const auto value = parse_json(text, "--set");
    out[word.substr(0, equals)] = value ? *value : Json(text);
  }
  return out;
}

Result<int> run(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  if (in.args.has("--why")) return why(in, *gateway, in.args.get("--why"));
  Json body = Json::object();
  if (in.args.has("--verify"))
    body = {{"stages", {in.args.get("--verify")}}, {"verify", true}};
  else if (in.args.has("STAGE"))
    body["stages"] = in.args.all("STAGE");
  if (in.args.has("--horizon")) body["horizon"] = in.args.get("--horizon");
  if (in.args.has("--set")) {
    MILLRACE_TRY(body["params"], read_settings(in.args.all("--set")));
  }
  MILLRACE_TRY(const auto job, gateway->call("POST", address({"pipeline", "runs"}), body));
  MILLRACE_TRY(const auto done, follow_job(in, *gateway, string_or(job, "id", "")));
  const auto& result = done.at("result");
  in.show(result, string_or(result, "text", ""));
  return result.value("ok", true) ? 0 : 1;
}

}  // namespace

std::vector<Command> run_commands() {
  return {
      {.name = "run",
       .summary = "run the pipeline's stages whose inputs changed, or one stage and what it needs",
       .positionals = {{"STAGE", "only these stages and what they need", false, true}},
       .options =
           {{.name = "--why", .value = "STAGE", .summary = "say whether it would run, and why"},
            {.name = "--verify", .value = "STAGE", .summary = "repeat it from the recorded inputs and compare bytes"},
            {.name = "--set",
             .value = "STAGE.PARAM=VALUE",
             .summary = "another value of a parameter, for this run",
             .many = true},
            {.name = "--horizon", .value = "DAY", .summary = "another end of what training may know, for this run"}},
       .run = run}};
}

}  // namespace millrace::cli
