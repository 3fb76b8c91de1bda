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
  return out;
}

Result<Json> newest(Gateway& gateway, const std::string& deployment) {
  MILLRACE_TRY(const auto past, gateway.call("GET", address({"deployments", deployment, "releases"})));
  const auto& items = past.at("items");
  return items.empty() ? Json(Json::object()) : items[0];
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

// POSTs one move; with --once only when it is not so already.
Result<int> move(Invocation& in, const std::string& last, Json body, IsSo is_so) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  const auto deployment = in.args.get("DEPLOYMENT");
  if (in.args.has("--once") && is_so != nullptr) {
    MILLRACE_TRY(const auto live, newest(*gateway, deployment));
    if (!live.empty() && is_so(live, body)) {
      in.show(live, "so already. " + line_of(live));
      return 0;
    }
  }
  MILLRACE_TRY(const auto release, gateway->call("POST", address({"deployments", deployment, last}), body));
  in.show(release, line_of(release));
  return 0;
}

Result<int> put(Invocation& in, const char* arm, IsSo is_so) {
  MILLRACE_TRY(auto body, body_of(in.args));
  body["arm"] = arm;
  return move(in, "releases", std::move(body), is_so);
}

Result<int> create(Invocation& in) { return put(in, "stable", is_stable); }
Result<int> shadow(Invocation& in) { return put(in, "shadow", is_shadow); }
Result<int> canary(Invocation& in) { return put(in, "canary", is_canary); }

Result<int> promote(Invocation& in) {
  if (in.args.has("--once") && !in.args.has("--version"))
    return Error{Code::invalid, "--once has to know which version is to be stable"}
        .at_field("--version")
        .hint("name it: --version N");
  MILLRACE_TRY(auto body, body_of(in.args));
  return move(in, "promote", std::move(body), is_stable);
}

// Says which release it has seen, so that two people who ask at once do not go back twice.
Result<int> take_back(Invocation& in, const std::string& last) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(auto body, body_of(in.args));
  MILLRACE_TRY(const auto live, newest(*gateway, in.args.get("DEPLOYMENT")));
  if (!live.empty()) body["live"] = integer_or(live, "number", 0);
  return move(in, last, std::move(body), nullptr);
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
  const Option once{.name = "--once", .value = "", .summary = "do nothing when it is so already"};
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
           .options = {version,
                       {.name = "--share",
                        .value = "S",
                        .summary = "above 0 and below 1; without it that of deployments.NAME.canary"},
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
           .options = {why},
           .run = rollback},
          {.name = "release stop",
           .summary = "end canary and shadows; the stable arm stays",
           .positionals = deployment,
           .options = {why},
           .run = stop},
          {.name = "release list",
           .summary = "a deployment's releases and their arms, newest first",
           .positionals = deployment,
           .options = {},
           .run = list}};
}

}  // namespace millrace::cli
