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

}  // namespace

std::vector<Command> model_commands() {
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
           .summary = "approve a version; names the digests that it covers",
           .positionals = version,
           .options =
               {{.name = "--why", .value = "TEXT", .summary = "the reason, kept in the audit chain", .required = true},
                {.name = "--once", .value = "", .summary = "do nothing when the version is approved already"}},
           .run = approve},
          {.name = "model card",
           .summary = "write the model card from the facts",
           .positionals = version,
           .options = {},
           .run = card}};
}

}  // namespace millrace::cli
