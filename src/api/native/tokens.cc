#include "api/native/reply.h"
#include "api/native/routes.h"

namespace millrace::api::native {
namespace {

Json to_json(const Token& token, Micros now) {
  Json out{{"id", token.id},
           {"subject", token.subject},
           {"roles", token.roles},
           {"created_at", to_iso(token.created_at)},
           {"expires_at", token.expires_at == 0 ? Json() : Json(to_iso(token.expires_at))}};
  out["state"] = token.revoked_at != 0                              ? "revoked"
                 : token.expires_at != 0 && token.expires_at <= now ? "expired"
                                                                    : "live";
  if (!token.secret.empty()) out["token"] = token.secret;
  return out;
}

Result<Json> create(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"subject", "roles", "expires_at"}));
  MILLRACE_TRY(const auto subject, get_string(body, "subject"));
  std::vector<std::string> roles;
  const auto* list = find(body, "roles");
  if (list == nullptr || !list->is_array())
    return Error{Code::invalid, "'roles' must be a list of names"}.at_field("roles");
  for (const auto& role : *list) roles.push_back(role.is_string() ? role.get<std::string>() : to_text(role));
  Micros expires = 0;
  if (body.contains("expires_at")) {
    MILLRACE_TRY(const auto text, get_string(body, "expires_at"));
    MILLRACE_TRY(expires, parse_time(text));
  }
  MILLRACE_TRY(const auto token, s.tokens.create(in.caller, subject, roles, expires));
  return to_json(token, s.context.now());
}

Result<Json> list(Services& s, const Request& in) {
  MILLRACE_TRY(const auto tokens, s.tokens.list(in.caller.workspace));
  Json items = Json::array();
  for (const auto& token : tokens) items.push_back(to_json(token, s.context.now()));
  return Json{{"items", items}, {"next", nullptr}};
}

Result<Json> revoke(Services& s, const Request& in) {
  MILLRACE_DO(s.tokens.revoke(in.caller, in.arg("id")));
  return Json{{"id", in.arg("id")}, {"state", "revoked"}};
}

}  // namespace

Routes token_routes(Services& s) {
  const std::string base = "/api/millrace/v1/tokens";
  return {
      {"POST", base, Permission::admin, kJsonBody, "token.created", Run::worker,
       [&s](Request& in) {
         auto reply = answer(
             in, [&] { return create(s, in); }, 201);
         reply.headers.emplace_back("cache-control", "no-store");  // it holds a secret
         return reply;
       },
       "Make an access token; the secret is in this answer only."},
      {"GET", base, Permission::admin, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return list(s, in); }); }, "Tokens, without their secrets."},
      {"DELETE", base + "/{id}", Permission::admin, kNoBody, "token.revoked", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return revoke(s, in); }); }, "End a token now."},
  };
}

}  // namespace millrace::api::native
