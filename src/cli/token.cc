#include <fmt/format.h>

#include "cli/host.h"

namespace millrace::cli {
namespace {

Result<int> create(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  Json body{{"subject", in.args.get("--subject")}, {"roles", in.args.all("--role")}};
  if (in.args.has("--expires")) body["expires_at"] = in.args.get("--expires");
  MILLRACE_TRY(const auto made, gateway->call("POST", address({"tokens"}), body));
  in.show(made, fmt::format("{}\nThis is the only time that the token is shown. Subject {}, roles {}.\n",
                            string_or(made, "token", ""), string_or(made, "subject", ""),
                            fmt::join(in.args.all("--role"), ", ")));
  return 0;
}

Result<int> list(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto answer, gateway->call("GET", address({"tokens"})));
  std::vector<std::vector<std::string>> rows{{"id", "subject", "roles", "created", "state"}};
  for (const auto& token : answer.at("items"))
    rows.push_back({string_or(token, "id", ""), string_or(token, "subject", ""), to_text(token.at("roles")),
                    string_or(token, "created_at", ""), string_or(token, "state", "")});
  in.show(answer, table(rows));
  return 0;
}

Result<int> revoke(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto answer, gateway->call("DELETE", address({"tokens", in.args.get("ID")})));
  in.show(answer, "revoked\n");
  return 0;
}

}  // namespace

std::vector<Command> token_commands() {
  return {
      {.name = "token create",
       .summary = "make an access token; it is shown once",
       .positionals = {},
       .options = {{.name = "--subject", .value = "NAME", .summary = "who it stands for", .required = true},
                   {.name = "--role",
                    .value = "ROLE",
                    .summary = "reader, writer, approver or admin",
                    .required = true,
                    .many = true},
                   {.name = "--expires", .value = "TIME", .summary = "when it ends (default: never)"}},
       .run = create},
      {.name = "token list", .summary = "tokens, without their secrets", .positionals = {}, .options = {}, .run = list},
      {.name = "token revoke",
       .summary = "end a token now",
       .positionals = {{"ID", "the token's id"}},
       .options = {},
       .run = revoke}};
}

}  // namespace millrace::cli
