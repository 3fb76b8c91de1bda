#include <fmt/format.h>

#include <charconv>

#include "cli/host.h"

namespace millrace::cli {
namespace {

std::string version_of(const Json& arm) {
  return fmt::format("{}@{}", string_or(arm, "model", ""), integer_or(arm, "version", 0));
}

// "late@1, canary late@2 (10% of the units), shadow late@3"
std::string arms_of(const Json& release) {
  std::string out = version_of(release.value("stable", Json()));
  if (const auto* canary = find(release, "canary"); canary != nullptr && canary->is_object())
    out += fmt::format(", canary {} ({}% of the units)", version_of(*canary), number_or(*canary, "share", 0) * 100);
  for (const auto& shadow : release.value("shadows", Json::array())) out += ", shadow " + version_of(shadow);
  return out;
}

std::string line_of(const Json& release) {
  return fmt::format("{}: {} is live. {}\n", string_or(release, "node", ""), arms_of(release),
                     string_or(release, "reason", ""));
}

Result<double> share_of(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  return Error{Code::invalid, fmt::format("'{}' is not a share", text)}.at_field("--share").hint(
      "a number above 0 and below 1, e.g. 0.1");
}

// The words of a move as the body of its request.
Result<Json> body_of(const Args& args) {
  Json out{{"why", args.get("--why")}};
  if (args.has("--version")) {
    MILLRACE_TRY(out["version"], args.integer("--version", 0));
  }
  if (args.has("--share")) {
    MILLRACE_TRY(out["share"], share_of(args.get("--share")));
  }
  if (args.has("--aa")) out["aa"] = true;
  return out;
}

// Newest first.
Result<Json> releases(Gateway& gateway, const std::string& deployment) {
  MILLRACE_TRY(auto past, gateway.call("GET", address({"deployments", deployment, "releases"})));
  return std::move(past.at("items"));
}

using IsSo = bool (*)(const Json& live, const Json& wanted);

bool same_version(const Json& arm, const Json& wanted) {
  return integer_or(arm, "version", 0) == integer_or(wanted, "version", -1);
}
bool is_stable(const Json& live, const Json& wanted) { return same_version(live, wanted); }
bool is_shadow(const Json& live, const Json& wanted) {
  for (const auto& shadow : live.value("shadows", Json::array()))
    if (same_version(shadow, wanted)) return true;
  return false;
}
bool is_canary(const Json& live, const Json& wanted) {
  const auto* canary = find(live, "canary");
  return canary != nullptr && canary->is_object() && same_version(*canary, wanted) &&
         (find(wanted, "share") == nullptr || number_or(*canary, "share", 0) == number_or(wanted, "share", 0));
}

struct Step {
  std::string name;  // as releases call it
  std::string last;  // of its address
  IsSo is_so;        // null: only the history tells
};

// The release that makes this step needless: the live one when it is so already, else one that was made by the same
// step for the same reason. So a script of steps can run again when others have followed.
Json done_before(const Json& past, const Step& step, const Json& body) {
  if (!past.empty() && step.is_so != nullptr && body.contains("version") && step.is_so(past[0], body)) return past[0];
  for (const auto& release : past) {
    const bool same =
        string_or(release, "step", "") == step.name && string_or(release, "reason", "") == string_or(body, "why", "");
    if (same && (step.is_so == nullptr || !body.contains("version") || step.is_so(release, body))) return release;
  }
  return nullptr;
}

// POSTs one step; with --once only when it was not done before.
Result<int> move(Invocation& in, const Step& step, const Json& body) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  const auto deployment = in.args.get("DEPLOYMENT");
  if (in.args.has("--once")) {
    MILLRACE_TRY(const auto past, releases(*gateway, deployment));
    if (const auto done = done_before(past, step, body); !done.is_null()) {
      in.show(done, fmt::format("done already, by {}\n", string_or(done, "node", "")));
      return 0;
    }
  }
  MILLRACE_TRY(const auto release, gateway->call("POST", address({"deployments", deployment, step.last}), body));
  in.show(release, line_of(release));
  return 0;
}

Result<int> put(Invocation& in, const char* arm, const Step& step) {
  MILLRACE_TRY(auto body, body_of(in.args));
  body["arm"] = arm;
  return move(in, step, body);
}

Result<int> create(Invocation& in) { return put(in, "stable", {"release", "releases", is_stable}); }
Result<int> shadow(Invocation& in) { return put(in, "shadow", {"shadow", "releases", is_shadow}); }
Result<int> canary(Invocation& in) { return put(in, "canary", {"canary", "releases", is_canary}); }

Result<int> promote(Invocation& in) {
  MILLRACE_TRY(const auto body, body_of(in.args));
  return move(in, {"promote", "promote", is_stable}, body);
}

// Says which release it has seen, so that two people who ask at once do not go back twice.
Result<int> take_back(Invocation& in, const std::string& step) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(auto body, body_of(in.args));
  MILLRACE_TRY(const auto past, releases(*gateway, in.args.get("DEPLOYMENT")));
  if (!past.empty()) body["live"] = integer_or(past[0], "number", 0);
  return move(in, {step, step, nullptr}, body);
}

Result<int> rollback(Invocation& in) { return take_back(in, "rollback"); }
Result<int> stop(Invocation& in) { return take_back(in, "stop"); }

Result<int> list(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto answer,
               gateway->call("GET", address({"deployments", in.args.get("DEPLOYMENT"), "releases"})));
  std::vector<std::vector<std::string>> rows{{"release", "step", "arms", "by", "at", "why"}};
  for (const auto& release : answer.at("items"))
    rows.push_back({string_or(release, "node", ""), string_or(release, "step", ""), arms_of(release),
                    string_or(release, "subject", ""), string_or(release, "created_at", ""),
                    string_or(release, "reason", "")});
  in.show(answer, table(rows));
  return 0;
}

}  // namespace

std::vector<Command> release_commands() {
  const Option why{
      .name = "--why", .value = "TEXT", .summary = "the reason, kept in the audit chain", .required = true};
  const Option version{.name = "--version", .value = "N", .summary = "the model's version", .required = true};
  const Option once{.name = "--once",
                    .value = "",
                    .summary = "do nothing when it is so, or when this step was done before for this reason"};
  const std::vector<Positional> deployment{{"DEPLOYMENT", "a deployment of millrace.yaml"}};
  return {{.name = "release create",
           .summary = "make an approved version the stable arm of a deployment, alone",
           .positionals = deployment,
           .options = {version, why, once},
           .run = create},
          {.name = "release shadow",
           .summary = "let a version whose gates passed answer copies of the requests; nobody sees its answers",
           .positionals = deployment,
           .options = {version, why, once},
           .run = shadow},
          {.name = "release canary",
           .summary = "let an approved version answer a share of the units; again with another share moves it",
           .positionals = deployment,
           .options = {{.name = "--version", .value = "N", .summary = "the model's version; with --aa none"},
                       {.name = "--share",
                        .value = "S",
                        .summary = "above 0 and below 1; without it that of deployments.NAME.canary"},
                       {.name = "--aa",
                        .value = "",
                        .summary = "the stable arm's version beside itself: false alarms of the policy are counted, "
                                   "nothing is decided"},
                       why,
                       once},
           .run = canary},
          {.name = "release promote",
           .summary = "make the canary, or a shadow that is named, the stable arm",
           .positionals = deployment,
           .options = {{.name = "--version", .value = "N", .summary = "of the canary, or of a shadow"}, why, once},
           .run = promote},
          {.name = "release rollback",
           .summary = "end the canary, or without one go back to the version before",
           .positionals = deployment,
           .options = {why, once},
           .run = rollback},
          {.name = "release stop",
           .summary = "end canary and shadows; the stable arm stays",
           .positionals = deployment,
           .options = {why, once},
           .run = stop},
          {.name = "release list",
           .summary = "a deployment's releases and their arms, newest first",
           .positionals = deployment,
           .options = {},
           .run = list}};
}

}  // namespace millrace::cli
