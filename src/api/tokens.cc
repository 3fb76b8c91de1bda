#include "api/tokens.h"

#include <fmt/format.h>

#include "core/hash.h"

namespace millrace::api {
namespace {

constexpr std::string_view kRoles[] = {"reader", "writer", "approver", "admin"};

Result<void> check_roles(const std::vector<std::string>& roles) {
  if (roles.empty())
    return Error{Code::invalid, "a token needs at least one role"}.hint("reader, writer, approver or admin");
  for (const auto& role : roles)
    if (std::find(std::begin(kRoles), std::end(kRoles), role) == std::end(kRoles))
      return Error{Code::invalid, fmt::format("there is no role '{}'", role)}.at_field("roles").hint(
          "reader, writer, approver or admin");
  return {};
}

}  // namespace

Result<Token> Tokens::create(const Caller& caller, const std::string& subject, const std::vector<std::string>& roles,
                             Micros expires_at) {
  if (!is_name(subject))
    return Error{Code::invalid, fmt::format("'{}' is not a name for a subject", subject)}.at_field("subject").hint(
        "letters, digits, '_', '-' and '.'");
  MILLRACE_DO(check_roles(roles));
  if (expires_at != 0 && expires_at <= context_.now())
    return Error{Code::invalid, "the token would have expired already"}.at_field("expires_at");
  Token token{.id = context_.uuid(),
              .subject = subject,
              .roles = roles,
              .created_at = context_.now(),
              .expires_at = expires_at,
              .secret = make_token(context_.random)};
  MILLRACE_TRY(const auto sequence, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(
        const auto done,
        session.execute("INSERT INTO tokens (workspace, id, digest, subject, roles, created_at, expires_at) VALUES (?, "
                        "?, ?, ?, ?, ?, ?)",
                        {caller.workspace, token.id, digest_of(token.secret), subject, to_text(Json(roles)),
                         token.created_at, expires_at == 0 ? store::Value(nullptr) : store::Value(expires_at)}));
    (void)done;
    return lineage::Change{
        .kind = "token.created", .node = "token:" + token.id, .body = {{"subject", subject}, {"roles", roles}}};
  }));
  (void)sequence;
  return token;
}

Result<std::vector<Token>> Tokens::list(const std::string& workspace) const {
  std::vector<Token> out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto rows,
                 session.query("SELECT id, subject, roles, created_at, coalesce(expires_at, 0), coalesce(revoked_at, "
                               "0) FROM tokens WHERE workspace = ? ORDER BY created_at",
                               {workspace}));
    for (const auto& row : rows)
      out.push_back({.id = row.text(0),
                     .subject = row.text(1),
                     .roles = roles_of(row.text(2)),
                     .created_at = row.integer(3),
                     .expires_at = row.integer(4),
                     .revoked_at = row.integer(5)});
    return {};
  }));
  return out;
}

Result<void> Tokens::revoke(const Caller& caller, const std::string& id) {
  MILLRACE_TRY(const auto sequence, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(
        const auto changed,
        session.execute("UPDATE tokens SET revoked_at = ? WHERE workspace = ? AND id = ? AND revoked_at IS NULL",
                        {context_.now(), caller.workspace, id}));
    if (changed == 0)
      return Error{Code::not_found, fmt::format("there is no live token '{}'", id)}.hint(
          "millrace token list shows the ids");
    return lineage::Change{.kind = "token.revoked", .node = "token:" + id};
  }));
  (void)sequence;
  return {};
}

Result<bool> Tokens::any() const {
  bool found = false;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto row,
                 session.first("SELECT 1 FROM tokens WHERE revoked_at IS NULL AND coalesce(expires_at, ?) > ? LIMIT 1",
                               {context_.now() + 1, context_.now()}));
    found = row.has_value();
    return {};
  }));
  return found;
}

Result<Token> Tokens::live(const std::string& workspace, std::string_view secret) const {
  // Looked up by digest: the time taken tells nothing of how much of a guess was right.
  std::optional<store::Row> row;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(row, session.first("SELECT id, subject, roles, created_at, coalesce(expires_at, 0), "
                                    "coalesce(revoked_at, 0) FROM tokens WHERE digest = ? AND workspace = ?",
                                    {digest_of(secret), workspace}));
    return {};
  }));
  if (!row || row->integer(5) != 0 || (row->integer(4) != 0 && row->integer(4) <= context_.now()))
    return Error{Code::unauthenticated, "the token is unknown, expired or revoked"}.hint(
        "make one with: millrace token create");
  return Token{.id = row->text(0),
               .subject = row->text(1),
               .roles = roles_of(row->text(2)),
               .created_at = row->integer(3),
               .expires_at = row->integer(4)};
}

Result<Caller> Tokens::of_token(const std::string& workspace, std::string_view secret) const {
  MILLRACE_TRY(auto token, live(workspace, secret));
  return Caller{.workspace = workspace, .subject = std::move(token.subject), .roles = std::move(token.roles)};
}

std::vector<std::string> Tokens::roles_of(const std::string& text) {
  std::vector<std::string> out;
  if (const auto list = parse_json(text, "roles"); list && list->is_array())
    for (const auto& role : *list)
      if (role.is_string()) out.push_back(role.get<std::string>());
  return out;
}

}  // namespace millrace::api
