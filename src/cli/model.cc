#include <algorithm>

#include <fmt/format.h>

#include "cli/host.h"

namespace millrace::cli {
namespace {

std::string gate_lines(const Json& version) {
  std::string out;
  for (const auto& gate : version.at("gates")) {
    out += fmt::format("  {} {:<18} {}\n", gate.value("ok", false) ? "pass" : "FAIL", string_or(gate, "kind", ""),
                       string_or(gate, "reason", ""));
  }
  return out;
}

std::string digest_lines(const Json& digests) {
  std::string out;
  for (const auto& [name, digest] : digests.items())
    if (digest.is_string() && !digest.get<std::string>().empty())
      out += fmt::format("  {:<12} {}\n", name, digest.get<std::string>());
  return out;
}

std::string encoded(const std::string& text) { return address({text}).substr(address({}).size() + 1); }

std::string approvals_of(const Json& request) {
  const auto& voices = request.at("approvals");
  const auto holding =
      std::count_if(voices.begin(), voices.end(), [](const Json& voice) { return voice.value("holds", false); });
  return fmt::format("{} of {}", holding, integer_or(request.at("needs"), "count", 1));
}

std::string request_lines(const Json& request) {
  const auto version = integer_or(request, "version", 0);
  auto lines =
      fmt::format("{}: {}\n  {} '{}' of '{}': {}\n  asked for by {} at {}: {}\n  approvals {} ({})\n",
                  string_or(request, "id", ""), string_or(request, "state", ""), string_or(request, "kind", ""),
                  string_or(request, "place", ""), string_or(request, "model", ""),
                  version == 0 ? std::string("to be taken away") : fmt::format("version {}", version),
                  string_or(request, "author", ""), string_or(request, "created_at", ""), string_or(request, "why", ""),
                  approvals_of(request), string_or(request.at("needs"), "role", ""));
  for (const auto& voice : request.at("approvals"))
    lines +=
        fmt::format("    {} at {}: {}{}\n", string_or(voice, "subject", ""), string_or(voice, "at", ""),
                    string_or(voice, "why", ""), voice.value("holds", false) ? "" : " (void: the evidence changed)");
  return lines + digest_lines(request.at("digests"));
}

Result<int> decide_request(Invocation& in, const std::string& what) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  const auto id = in.args.get(in.args.has("REQUEST") ? "REQUEST" : "MODEL");
  MILLRACE_TRY(const auto request,
               gateway->call("POST", address({"requests", id, what}), {{"why", in.args.get("--why")}}));
  in.show(request, request_lines(request));
  return 0;
}

Result<int> registered(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto version,
               gateway->call("POST", address({"models", in.args.get("MODEL"), "versions"}), Json::object()));
  in.show(version, fmt::format("{}: {}\n{}", string_or(version, "node", ""), string_or(version, "state", ""),
                               digest_lines(version.at("digests"))));
  return 0;
}

Result<int> list(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  const auto model = in.args.get("MODEL");
  MILLRACE_TRY(const auto answer,
               gateway->call("GET", model.empty() ? address({"models"}) : address({"models", model, "versions"})));
  std::vector<std::vector<std::string>> rows{{"version", "state", "author", "created", "model digest"}};
  for (const auto& version : answer.at("items"))
    rows.push_back({string_or(version, "node", ""), string_or(version, "state", ""), string_or(version, "author", ""),
                    string_or(version, "created_at", ""), string_or(version.at("digests"), "model", "").substr(0, 19)});
  in.show(answer, table(rows));
  return 0;
}

std::vector<std::string> version_path(const Invocation& in) {
  return {"models", in.args.get("MODEL"), "versions", in.args.get("VERSION")};
}

Result<int> show(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto version, gateway->call("GET", address(version_path(in))));
  std::string lines =
      fmt::format("{}: {}\n{}gates\n{}approvals\n", string_or(version, "node", ""), string_or(version, "state", ""),
                  digest_lines(version.at("digests")), gate_lines(version));
  for (const auto& approval : version.at("approvals"))
    lines += fmt::format("  {} at {}: {}\n", string_or(approval, "subject", ""), string_or(approval, "at", ""),
                         string_or(approval, "why", ""));
  in.show(version, lines);
  return 0;
}

Result<int> gates(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  auto path = version_path(in);
  path.emplace_back("gates");
  MILLRACE_TRY(const auto version, gateway->call("POST", address(path), Json::object()));
  in.show(version, fmt::format("{}: {}\n{}", string_or(version, "node", ""), string_or(version, "state", ""),
                               gate_lines(version)));
  return string_or(version, "state", "") == "gates_failed" ? 1 : 0;
}

Result<int> approve(Invocation& in) {
  if (in.args.get("VERSION").empty()) return decide_request(in, "approvals");
  MILLRACE_TRY(auto* gateway, in.gateway());
  auto path = version_path(in);
  path.emplace_back("approvals");
  if (in.args.has("--once")) {
    MILLRACE_TRY(const auto known, gateway->call("GET", address(version_path(in))));
    if (string_or(known, "state", "") == "approved") {
      in.show(known, fmt::format("{}: approved already\n", string_or(known, "node", "")));
      return 0;
    }
  }
  MILLRACE_TRY(const auto version, gateway->call("POST", address(path), {{"why", in.args.get("--why")}}));
  in.show(version, fmt::format("{}: {}. The approval holds for exactly these:\n{}", string_or(version, "node", ""),
                               string_or(version, "state", ""), digest_lines(version.at("digests"))));
  return 0;
}

Result<int> card(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  auto path = version_path(in);
  path.emplace_back("card");
  MILLRACE_TRY(const auto text, gateway->text(address(path)));
  in.show({{"card", text}}, text);
  return 0;
}

std::string place_of(const Json& request) {
  return fmt::format("{} '{}' of '{}'", string_or(request, "kind", ""), string_or(request, "place", ""),
                     string_or(request, "model", ""));
}

std::string version_of(const Json& entry) {
  const auto version = integer_or(entry, "version", 0);
  return version == 0 ? "none" : std::to_string(version);
}

Result<int> requests(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  auto target = address({"requests"});
  if (in.args.has("MODEL")) target += "?model=" + encoded(in.args.get("MODEL"));
  MILLRACE_TRY(const auto answer, gateway->call("GET", target));
  std::vector<std::vector<std::string>> rows{{"request", "state", "place", "version", "approvals", "author", "until"}};
  for (const auto& request : answer.at("items"))
    rows.push_back({string_or(request, "id", ""), string_or(request, "state", ""), place_of(request),
                    version_of(request), approvals_of(request), string_or(request, "author", ""),
                    string_or(request, "expires_at", "")});
  in.show(answer, table(rows));
  return 0;
}

Result<int> request(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto found, gateway->call("GET", address({"requests", in.args.get("REQUEST")})));
  in.show(found, request_lines(found));
  return 0;
}

Result<int> reject(Invocation& in) { return decide_request(in, "rejection"); }
Result<int> withdraw(Invocation& in) { return decide_request(in, "withdrawal"); }

std::string move_line(const Json& move) {
  auto line =
      fmt::format("{} version {} by {}", string_or(move, "at", ""), version_of(move), string_or(move, "subject", ""));
  if (const auto why = string_or(move, "why", ""); !why.empty()) line += ": " + why;
  for (const auto* key : {"request", "release"})
    if (const auto by = string_or(move, key, ""); !by.empty()) line += fmt::format(" ({})", by);
  return line + "\n";
}

Result<int> alias(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  std::vector<std::string> path{"models", in.args.get("MODEL"), "aliases", in.args.get("ALIAS")};
  if (in.args.has("--set")) {
    MILLRACE_TRY(const auto version, in.args.integer("--set", 0));
    MILLRACE_TRY(const auto done,
                 gateway->call("PUT", address(path), {{"version", version}, {"why", in.args.get("--why")}}));
    in.show(done, fmt::format("{} of {}: version {}\n", path[3], path[1], version_of(done)));
    return 0;
  }
  if (in.args.has("--rollback")) {
    path.emplace_back("rollback");
    MILLRACE_TRY(const auto done, gateway->call("POST", address(path), {{"why", in.args.get("--why")}}));
    in.show(done, fmt::format("{} of {}: version {}\n", path[3], path[1], version_of(done)));
    return 0;
  }
  if (in.args.has("--history")) {
    path.emplace_back("moves");
    MILLRACE_TRY(const auto moves, gateway->call("GET", address(path)));
    std::string lines;
    for (const auto& move : moves.at("items")) lines += move_line(move);
    in.show(moves, lines);
    return 0;
  }
  auto target = address(path);
  if (in.args.has("--as-of")) target += "?as_of=" + encoded(in.args.get("--as-of"));
  MILLRACE_TRY(const auto move, gateway->call("GET", target));
  in.show(move, move_line(move));
  return 0;
}

}  // namespace

std::vector<Command> model_commands() {
  const std::vector<Positional> one_request{{"REQUEST", "its id, e.g. cr-7"}};
  const Option why{
      .name = "--why", .value = "TEXT", .summary = "the reason, kept in the audit chain", .required = true};
  const std::vector<Positional> version{{"MODEL", "a model of millrace.yaml"}, {"VERSION", "its number"}};
  return {{.name = "model register",
           .summary = "make a version from the newest results of the model's stages",
           .positionals = {{"MODEL", "a model of millrace.yaml"}},
           .options = {},
           .run = registered},
          {.name = "model list",
           .summary = "versions and their states",
           .positionals = {{"MODEL", "only this model", false}},
           .options = {},
           .run = list},
          {.name = "model show",
           .summary = "one version: digests, gates with values, approvals",
           .positionals = version,
           .options = {},
           .run = show},
          {.name = "model gates",
           .summary = "evaluate the gates and keep the evidence",
           .positionals = version,
           .options = {},
           .run = gates},
          {.name = "model approve",
           .summary = "approve a version, or a request (model approve cr-7); names the digests that it covers",
           .positionals = {{"MODEL", "a model of millrace.yaml, or a request"}, {"VERSION", "its number", false}},
           .options =
               {{.name = "--why", .value = "TEXT", .summary = "the reason, kept in the audit chain", .required = true},
                {.name = "--once", .value = "", .summary = "do nothing when the version is approved already"}},
           .run = approve},
          {.name = "model card",
           .summary = "write the model card from the facts",
           .positionals = version,
           .options = {},
           .run = card},
          {.name = "model requests",
           .summary = "requests to move protected aliases and stages",
           .positionals = {{"MODEL", "only of this model", false}},
           .options = {},
           .run = requests},
          {.name = "model request",
           .summary = "one request: what it asks for, what it covers, its approvals",
           .positionals = one_request,
           .options = {},
           .run = request},
          {.name = "model reject",
           .summary = "reject a request",
           .positionals = one_request,
           .options = {why},
           .run = reject},
          {.name = "model withdraw",
           .summary = "take your own request back",
           .positionals = one_request,
           .options = {why},
           .run = withdraw},
          {.name = "model alias",
           .summary = "what an alias stands for, or stood for at a time, with who and why",
           .positionals = {{"MODEL", "a registered model"}, {"ALIAS", "e.g. champion"}},
           .options = {{.name = "--as-of", .value = "TIME", .summary = "at this time, e.g. 2026-05-03T14:00:00Z"},
                       {.name = "--history", .value = "", .summary = "every move, newest first"},
                       {.name = "--set", .value = "VERSION", .summary = "let it stand for this version"},
                       {.name = "--rollback", .value = "", .summary = "let it stand for what it stood for before"},
                       {.name = "--why", .value = "TEXT", .summary = "the reason, kept in the audit chain"}},
           .run = alias}};
}

}  // namespace millrace::cli
