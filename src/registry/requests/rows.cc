#include "registry/requests/rows.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "core/hash.h"
#include "registry/requests/binding.h"
#include "registry/requests/moves.h"
#include "registry/rules.h"

namespace millrace::registry {
namespace {

constexpr std::string_view kColumns =
    "number, model, kind, place, version, archive, before, digests, voices, role, author, via, why, created_at, "
    "expires_at, state, closed_by, closed_why, closed_at";
constexpr std::string_view kPrefix = "cr-";

Result<Json> stored(const store::Row& row, size_t column) {
  auto json = parse_json(row.text(column), "a request");
  if (!json) return Error{Code::corrupt, fmt::format("the record of cr-{} is not as it was written", row.integer(0))};
  return json;
}

Result<ChangeRequest> to_request(const store::Row& row, Micros now) {
  ChangeRequest out;
  out.number = row.integer(0);
  out.model = row.text(1);
  out.kind = row.text(2);
  out.place = row.text(3);
  out.version = row.integer(4);
  out.archive = row.integer(5) != 0;
  MILLRACE_TRY(out.before, stored(row, 6));
  MILLRACE_TRY(out.digests, stored(row, 7));
  out.voices = row.integer(8);
  out.role = row.text(9);
  out.author = row.text(10);
  out.via = row.text(11);
  out.why = row.text(12);
  out.created_at = row.integer(13);
  out.expires_at = row.integer(14);
  out.state = row.text(15);
  out.closed_by = row.text(16);
  out.closed_why = row.text(17);
  out.closed_at = row.integer(18);
  if ((out.state == "open" || out.state == "approved") && out.expires_at <= now) out.state = "expired";
  return out;
}

Result<ChangeRequest> with_voices(store::Session& session, const std::string& workspace, ChangeRequest request) {
  MILLRACE_TRY(const auto rows, session.query("SELECT subject, why, at, covered FROM change_voices WHERE workspace = ? "
                                              "AND request = ? ORDER BY at, subject",
                                              {workspace, request.number}));
  MILLRACE_TRY(const auto covered, covered_now(session, workspace, request));
  for (const auto& row : rows)
    request.approvals.push_back({{"subject", row.text(0)},
                                 {"why", row.text(1)},
                                 {"at", to_iso(row.integer(2))},
                                 {"covers", row.text(3)},
                                 {"holds", row.text(3) == covered}});
  return request;
}

std::string told_of(const std::string& what, const std::string& subject, Micros at, const std::string& why) {
  return fmt::format("{} since {}, by {}{}{}", what, to_iso(at), subject, why.empty() ? "" : ": ", why);
}

Result<PlaceNow> alias_place(store::Session& session, const std::string& workspace, const Project* project,
                             const Wanted& wanted) {
  MILLRACE_TRY(const auto binder, binder_of(project, wanted.model, wanted.place));
  if (binder) {
    MILLRACE_TRY(const auto live, newest_release(session, workspace, binder->name));
    if (live && live->release.model == wanted.model)
      return PlaceNow{{{"version", live->release.version}},
                      told_of(fmt::format("version {}", live->release.version), live->release.subject,
                              live->release.created_at, live->release.reason)};
    return PlaceNow{{{"version", 0}}, "nothing"};
  }
  MILLRACE_TRY(const auto version, label_now(session, workspace, wanted.model, wanted.place));
  MILLRACE_TRY(const auto row, session.first("SELECT subject, at, why FROM model_alias_moves WHERE workspace = ? AND "
                                             "model = ? AND alias = ? ORDER BY number DESC LIMIT 1",
                                             {workspace, wanted.model, wanted.place}));
  const auto what = version == 0 ? std::string("nothing") : fmt::format("version {}", version);
  return PlaceNow{{{"version", version}}, row ? told_of(what, row->text(0), row->integer(1), row->text(2)) : what};
}

Result<PlaceNow> stage_place(store::Session& session, const std::string& workspace, const Wanted& wanted) {
  MILLRACE_TRY(const auto version, get_present(session, workspace, wanted.model, wanted.version));
  MILLRACE_TRY(const auto there, versions_in(session, workspace, wanted.model, wanted.place));
  MILLRACE_TRY(const auto row, session.first("SELECT subject, at, why, version, stage FROM model_stage_moves WHERE "
                                             "workspace = ? AND model = ? ORDER BY at DESC, version DESC, number DESC "
                                             "LIMIT 1",
                                             {workspace, wanted.model}));
  auto what = there.empty() ? std::string("no version") : fmt::format("version {}", fmt::join(there, ", "));
  return PlaceNow{{{"stage", version.version.stage}, {"there", there}},
                  row ? told_of(what, row->text(0), row->integer(1), row->text(2)) : what};
}

}  // namespace

std::string ChangeRequest::id() const { return fmt::format("{}{}", kPrefix, number); }
std::string ChangeRequest::node() const { return "request:" + id(); }

Json ChangeRequest::to_json() const {
  const auto time = [](Micros at) { return at == 0 ? Json() : Json(to_iso(at)); };
  return {{"id", id()},
          {"state", state},
          {"model", model},
          {"kind", kind},
          {"place", place},
          {"version", version == 0 ? Json() : Json(version)},
          {"archive_existing", archive},
          {"before", before},
          {"digests", digests},
          {"needs", {{"count", voices}, {"role", role}}},
          {"approvals", approvals},
          {"author", author},
          {"via", via},
          {"why", why},
          {"created_at", time(created_at)},
          {"expires_at", time(expires_at)},
          {"closed_by", closed_by},
          {"closed_why", closed_why},
          {"closed_at", time(closed_at)}};
}

Result<PlaceNow> place_now(store::Session& session, const std::string& workspace, const Project* project,
                           const Wanted& wanted) {
  return wanted.kind == "alias" ? alias_place(session, workspace, project, wanted)
                                : stage_place(session, workspace, wanted);
}

Result<ChangeRequest> get_request(store::Session& session, const std::string& workspace, const std::string& id,
                                  Micros now) {
  int64_t number = 0;
  if (id.starts_with(kPrefix)) std::from_chars(id.data() + kPrefix.size(), id.data() + id.size(), number);
  MILLRACE_TRY(const auto row,
               session.first(fmt::format("SELECT {} FROM change_requests WHERE workspace = ? AND number = ?", kColumns),
                             {workspace, number}));
  if (!row || id != fmt::format("{}{}", kPrefix, number))
    return Error{Code::not_found, fmt::format("there is no request '{}'", id.substr(0, 100))}.hint(
        "millrace model requests");
  MILLRACE_TRY(auto request, to_request(*row, now));
  return with_voices(session, workspace, std::move(request));
}

Result<std::vector<ChangeRequest>> load_requests(store::Session& session, const std::string& workspace,
                                                 const std::string& model, Micros now) {
  MILLRACE_TRY(const auto rows, session.query(fmt::format("SELECT {} FROM change_requests WHERE workspace = ? AND "
                                                          "(model = ? OR ? = '') ORDER BY number DESC LIMIT 1000",
                                                          kColumns),
                                              {workspace, model, model}));
  std::vector<ChangeRequest> out;
  for (const auto& row : rows) {
    MILLRACE_TRY(auto request, to_request(row, now));
    MILLRACE_TRY(auto whole, with_voices(session, workspace, std::move(request)));
    out.push_back(std::move(whole));
  }
  return out;
}

Result<std::optional<ChangeRequest>> find_request(store::Session& session, const std::string& workspace,
                                                  const Wanted& wanted, Micros now) {
  MILLRACE_TRY(const auto row,
               session.first(
                   fmt::format("SELECT {} FROM change_requests WHERE workspace = ? AND model = ? AND kind = ? AND "
                               "place = ? AND version = ? AND archive = ? AND state IN ('open', 'approved') AND "
                               "expires_at > ? ORDER BY number DESC LIMIT 1",
                               kColumns),
                   {workspace, wanted.model, wanted.kind, wanted.place, wanted.version, int64_t{wanted.archive}, now}));
  if (!row) return std::optional<ChangeRequest>();
  MILLRACE_TRY(auto request, to_request(*row, now));
  MILLRACE_TRY(auto whole, with_voices(session, workspace, std::move(request)));
  return std::optional(std::move(whole));
}

Result<ChangeRequest> insert_request(store::Session& session, const Caller& caller, const ChangeRequest& wanted) {
  auto request = wanted;
  MILLRACE_TRY(
      const auto last,
      session.first("SELECT coalesce(max(number), 0) FROM change_requests WHERE workspace = ?", {caller.workspace}));
  request.number = last->integer(0) + 1;
  request.state = "open";
  MILLRACE_TRY(const auto covered, covered_now(session, caller.workspace, request));
  MILLRACE_TRY(
      const auto rows,
      session.execute(
          "INSERT INTO change_requests (workspace, number, model, kind, place, version, archive, before, "
          "covered, digests, voices, role, author, via, why, created_at, expires_at, state, closed_by, "
          "closed_why, closed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', '', "
          "'', 0)",
          {caller.workspace, request.number, request.model, request.kind, request.place, request.version,
           int64_t{request.archive}, to_text(request.before), covered, to_text(request.digests), request.voices,
           request.role, request.author, request.via, request.why, request.created_at, request.expires_at}));
  (void)rows;
  return request;
}

Result<void> add_voice(store::Session& session, const Caller& caller, const ChangeRequest& request,
                       const std::string& covered, const std::string& why, Micros now) {
  MILLRACE_TRY(const auto rows, session.execute("INSERT INTO change_voices (workspace, request, subject, covered, why, "
                                                "at) VALUES (?, ?, ?, ?, ?, ?)",
                                                {caller.workspace, request.number, caller.subject, covered, why, now}));
  (void)rows;
  return {};
}

Result<void> close_request(store::Session& session, const Caller& caller, const ChangeRequest& request,
                           const std::string& state, const std::string& why, Micros now) {
  const bool ended = state != "approved";
  MILLRACE_TRY(const auto rows,
               session.execute("UPDATE change_requests SET state = ?, closed_by = ?, closed_why = ?, closed_at = ? "
                               "WHERE workspace = ? AND number = ?",
                               {state, ended ? caller.subject : "", ended ? why : "", ended ? now : 0, caller.workspace,
                                request.number}));
  (void)rows;
  return {};
}

Result<std::string> covered_now(store::Session& session, const std::string& workspace, const ChangeRequest& request) {
  if (request.version == 0) return digest_of(fmt::format("no {} of {}", request.place, request.model));
  MILLRACE_TRY(const auto stored, get_stored(session, workspace, request.model, request.version));
  return covered_by(stored.version.digests);
}

int64_t voices_for(const ChangeRequest& request, const std::string& covered) {
  int64_t known = 0;
  bool local = false;
  for (const auto& voice : request.approvals) {
    const auto subject = string_or(voice, "subject", "");
    if (string_or(voice, "covers", "") != covered || subject == request.author) continue;
    if (Caller{.subject = subject}.is_local())
      local = true;
    else
      ++known;
  }
  return known + (local ? 1 : 0);
}

Error overtaken(const ChangeRequest& request, const PlaceNow& now) {
  const auto was = request.kind == "alias" ? to_text(request.before.value("version", Json(0)))
                                           : to_text(request.before.value("there", Json::array()));
  return Error{Code::conflict, fmt::format("'{}' of the model '{}' is {} now; {} was asked for when it was {}",
                                           request.place, request.model, now.told, request.id(), was)}
      .hint("look at it and ask again");
}

Result<void> settle(store::Session& session, const Caller& caller, const Project* project, const std::string& id,
                    Micros now) {
  if (id.empty()) return {};
  MILLRACE_TRY(const auto request, get_request(session, caller.workspace, id, now));
  if (request.state != "approved")
    return Error{Code::conflict, fmt::format("{} is {}", request.id(), request.state)}.hint("ask again");
  MILLRACE_TRY(const auto covered, covered_now(session, caller.workspace, request));
  if (voices_for(request, covered) < request.voices)
    return Error{Code::conflict, fmt::format("the evidence has changed since {} was approved", request.id())}.hint(
        "let it be approved again: millrace model approve " + request.id() + " --why TEXT");
  MILLRACE_TRY(const auto place,
               place_now(session, caller.workspace, project,
                         {request.model, request.kind, request.place, request.version, request.archive, {}}));
  if (place.before != request.before) return overtaken(request, place);
  return close_request(session, caller, request, "done", request.why, now);
}

}  // namespace millrace::registry
