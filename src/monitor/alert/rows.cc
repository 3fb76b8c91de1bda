#include "monitor/alert/rows.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/limits.h"

namespace millrace::monitor {
namespace {

using store::Row;
using store::Session;
using store::Values;

constexpr std::string_view kColumns =
    "id, deployment, kind, subject, arm, version, severity, state, window_from, window_to, first_from, last_from, "
    "last_as_of, last_revision, in_row, pending_at, fired_at, acknowledged_at, resolved_at, value, limit_value, "
    "evidence, trace, action, responded, cause_kind, owner, note, responded_from";

Result<Json> stored_json(const Row& row, size_t column, const std::string& id) {
  auto json = parse_json(row.text(column), id);
  if (!json)
    return Error{Code::corrupt, fmt::format("the record of alert:{} is not as it was written", id)}.hint(
        "restore the state folder from a backup; millrace audit verify says where it changed");
  return json;
}

Result<StoredAlert> stored_of(const Row& row) {
  StoredAlert out;
  auto& alert = out.alert;
  alert = {.id = row.text(0),
           .deployment = row.text(1),
           .kind = row.text(2),
           .subject = row.text(3),
           .arm = row.text(4),
           .version = row.integer(5),
           .severity = row.text(6),
           .state = row.text(7),
           .from = row.integer(8),
           .to = row.integer(9),
           .first_from = row.integer(10),
           .pending_at = row.integer(15),
           .fired_at = row.integer(16),
           .acknowledged_at = row.integer(17),
           .resolved_at = row.integer(18),
           .value = row.real(19),
           .limit = row.real(20),
           .owner = row.text(26),
           .note = row.text(27)};
  out.last = {row.integer(11), row.integer(12), row.integer(13)};
  out.in_row = row.integer(14);
  MILLRACE_TRY(alert.evidence, stored_json(row, 21, alert.id));
  MILLRACE_TRY(alert.trace, stored_json(row, 22, alert.id));
  MILLRACE_TRY(alert.action, stored_json(row, 23, alert.id));
  out.responded = row.text(24);
  out.cause_kind = row.text(25);
  out.responded_from = row.integer(28);
  return out;
}

Result<std::vector<StoredAlert>> many(Session& session, std::string_view rest, const Values& values) {
  MILLRACE_TRY(const auto rows, session.query(fmt::format("SELECT {} FROM alerts {}", kColumns, rest), values));
  std::vector<StoredAlert> out;
  for (const auto& row : rows) {
    MILLRACE_TRY(auto stored, stored_of(row));
    out.push_back(std::move(stored));
  }
  return out;
}

Result<std::optional<StoredAlert>> one(Session& session, std::string_view rest, const Values& values) {
  MILLRACE_TRY(auto found, many(session, rest, values));
  return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

// What changes after an alert is made, in the order of kChanging.
constexpr std::string_view kChanging =
    "severity = ?, state = ?, window_from = ?, window_to = ?, last_from = ?, last_as_of = ?, last_revision = ?, in_row "
    "= ?, fired_at = ?, acknowledged_at = ?, resolved_at = ?, value = ?, limit_value = ?, evidence = ?, trace = ?, "
    "action = ?, responded = ?, responded_from = ?, cause = ?, cause_kind = ?, owner = ?, note = ?, updated_at = ?";

Json iso_or_null(Micros time) { return time == 0 ? Json(nullptr) : Json(to_iso(time)); }

}  // namespace

Json Alert::to_json() const {
  const auto* cause = find(trace, "cause");
  const auto group = cause == nullptr ? std::string() : string_or(*cause, "node", "");
  return {{"node", node()},
          {"id", id},
          {"deployment", deployment},
          {"kind", kind},
          {"subject", subject},
          {"arm", arm},
          {"version", version},
          {"severity", severity},
          {"state", state},
          {"from", to_iso(from)},
          {"to", to_iso(to)},
          {"first_from", to_iso(first_from)},
          {"pending_at", iso_or_null(pending_at)},
          {"fired_at", iso_or_null(fired_at)},
          {"acknowledged_at", iso_or_null(acknowledged_at)},
          {"resolved_at", iso_or_null(resolved_at)},
          {"value", value},
          {"limit", limit},
          {"what", string_or(evidence, "text", "")},
          {"evidence", evidence},
          {"trace", trace},
          {"group", group.empty() ? Json(nullptr) : Json(group)},
          {"action", action},
          {"owner", owner},
          {"note", note}};
}

Json AlertEvent::to_json() const {
  return {{"number", number},
          {"kind", kind},
          {"event_time", to_iso(event_time)},
          {"recorded_at", to_iso(recorded_at)},
          {"subject", subject},
          {"why", why},
          {"body", body}};
}

Result<std::optional<StoredAlert>> find_alert(Session& session, const std::string& workspace, const std::string& id) {
  return one(session, "WHERE workspace = ? AND id = ?", {workspace, id});
}

Result<StoredAlert> get_alert(Session& session, const std::string& workspace, const std::string& id) {
  MILLRACE_TRY(auto found, find_alert(session, workspace, id));
  if (!found)
    return Error{Code::not_found, fmt::format("there is no alert '{}'", id.substr(0, 100))}.hint("millrace alert list");
  return std::move(*found);
}

Result<std::optional<StoredAlert>> find_open(Session& session, const std::string& workspace,
                                             const std::string& deployment, const AlertKey& key) {
  return one(session,
             "WHERE workspace = ? AND deployment = ? AND kind = ? AND subject = ? AND arm = ? AND version = ? AND "
             "state <> 'resolved'",
             {workspace, deployment, key.kind, key.subject, key.arm, key.version});
}

Result<bool> is_covered(Session& session, const std::string& workspace, const std::string& deployment,
                        const AlertKey& key, const Moment& look) {
  MILLRACE_TRY(const auto row,
               session.first("SELECT 1 FROM alerts WHERE workspace = ? AND deployment = ? AND kind = ? AND subject = ? "
                             "AND arm = ? AND version = ? AND state = 'resolved' AND first_from <= ? AND (last_from, "
                             "last_as_of, last_revision) >= (?, ?, ?) LIMIT 1",
                             {workspace, deployment, key.kind, key.subject, key.arm, key.version, look.from, look.from,
                              look.as_of, look.revision}));
  return row.has_value();
}

Result<std::vector<StoredAlert>> open_alerts(Session& session, const std::string& workspace,
                                             const std::string& deployment) {
  return many(session, "WHERE workspace = ? AND deployment = ? AND state <> 'resolved' ORDER BY id",
              {workspace, deployment});
}

namespace {

// What a filter says beside the place that it goes on from.
std::pair<std::string, Values> condition_of(const std::string& workspace, const AlertFilter& filter) {
  std::string where = "WHERE workspace = ?";
  Values values{workspace};
  const auto also = [&](std::string_view condition, const std::string& value) {
    where += fmt::format(" AND {}", condition);
    values.emplace_back(value);
  };
  if (!filter.deployment.empty()) also("deployment = ?", filter.deployment);
  if (filter.state == "open") also("state <> ?", "resolved");
  if (!filter.state.empty() && filter.state != "open") also("state = ?", filter.state);
  if (!filter.severity.empty()) also("severity = ?", filter.severity);
  if (!filter.subject.empty()) also("subject = ?", filter.subject);
  if (!filter.kind.empty()) also("kind = ?", filter.kind);
  if (!filter.cause.empty()) also("cause = ?", filter.cause);
  return {std::move(where), std::move(values)};
}

int64_t limit_of(const AlertFilter& filter) {
  return filter.limit > 0 ? filter.limit : static_cast<int64_t>(limits::page_size);
}

}  // namespace

Result<std::vector<StoredAlert>> list_alerts(Session& session, const std::string& workspace,
                                             const AlertFilter& filter) {
  auto [where, values] = condition_of(workspace, filter);
  if (!filter.before.empty()) {
    where += " AND id < ?";
    values.emplace_back(filter.before);
  }
  values.emplace_back(limit_of(filter));
  return many(session, where + " ORDER BY id DESC LIMIT ?", values);
}

Result<int64_t> count_alerts(Session& session, const std::string& workspace, const AlertFilter& filter) {
  const auto [where, values] = condition_of(workspace, filter);
  MILLRACE_TRY(const auto row, session.first("SELECT count(*) FROM alerts " + where, values));
  return row->integer(0);
}

Result<std::vector<std::string>> alert_ids(Session& session, const std::string& workspace) {
  MILLRACE_TRY(const auto rows, session.query("SELECT id FROM alerts WHERE workspace = ? ORDER BY id", {workspace}));
  std::vector<std::string> out;
  for (const auto& row : rows) out.push_back(row.text(0));
  return out;
}

Result<std::vector<Retraining>> unfinished_retrainings(Session& session, const std::string& workspace,
                                                       const std::string& deployment) {
  MILLRACE_TRY(
      const auto rows,
      session.query("SELECT alert.workspace, alert.id FROM alerts alert WHERE EXISTS (SELECT 1 FROM alert_events event "
                    "WHERE event.workspace = alert.workspace AND event.alert = alert.id AND event.kind = 'retraining') "
                    "AND NOT EXISTS (SELECT 1 FROM alert_events event WHERE event.workspace = alert.workspace AND "
                    "event.alert = alert.id AND event.kind = 'retrained') AND (? = '' OR alert.workspace = ?) AND (? = "
                    "'' OR alert.deployment = ?) ORDER BY alert.id",
                    {workspace, workspace, deployment, deployment}));
  std::vector<Retraining> out;
  for (const auto& row : rows) {
    MILLRACE_TRY(auto stored, get_alert(session, row.text(0), row.text(1)));
    out.push_back({row.text(0), std::move(stored)});
  }
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> deployments_due(Session& session) {
  MILLRACE_TRY(
      const auto rows,
      session.query(
          "SELECT DISTINCT workspace, deployment FROM alerts WHERE state IN "
          "('firing', 'acknowledged') AND (responded <> severity OR responded_from <> window_from) ORDER BY 1, 2"));
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& row : rows) out.emplace_back(row.text(0), row.text(1));
  return out;
}

Result<Micros> last_retraining(Session& session, const std::string& workspace, const std::string& deployment) {
  MILLRACE_TRY(const auto row,
               session.first("SELECT max(event.event_time) FROM alert_events event JOIN alerts alert ON "
                             "alert.workspace = event.workspace AND alert.id = event.alert WHERE event.workspace = ? "
                             "AND alert.deployment = ? AND event.kind = 'retraining'",
                             {workspace, deployment}));
  return row && !row->is_null(0) ? row->integer(0) : Micros{0};
}

Result<void> insert_alert(Session& session, const std::string& workspace, const StoredAlert& stored, Micros now) {
  const auto& alert = stored.alert;
  MILLRACE_DO(session.execute(
      fmt::format("INSERT INTO alerts (workspace, {}, cause, recorded_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, "
                  "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  kColumns),
      {workspace,
       alert.id,
       alert.deployment,
       alert.kind,
       alert.subject,
       alert.arm,
       alert.version,
       alert.severity,
       alert.state,
       alert.from,
       alert.to,
       alert.first_from,
       stored.last.from,
       stored.last.as_of,
       stored.last.revision,
       stored.in_row,
       alert.pending_at,
       alert.fired_at,
       alert.acknowledged_at,
       alert.resolved_at,
       alert.value,
       alert.limit,
       to_text(alert.evidence),
       to_text(alert.trace),
       to_text(alert.action),
       stored.responded,
       stored.cause_kind,
       alert.owner,
       alert.note,
       stored.responded_from,
       stored.cause(),
       now,
       now}));
  return {};
}

Result<void> update_alert(Session& session, const std::string& workspace, const StoredAlert& stored, Micros now) {
  const auto& alert = stored.alert;
  MILLRACE_DO(session.execute(fmt::format("UPDATE alerts SET {} WHERE workspace = ? AND id = ?", kChanging),
                              {alert.severity,
                               alert.state,
                               alert.from,
                               alert.to,
                               stored.last.from,
                               stored.last.as_of,
                               stored.last.revision,
                               stored.in_row,
                               alert.fired_at,
                               alert.acknowledged_at,
                               alert.resolved_at,
                               alert.value,
                               alert.limit,
                               to_text(alert.evidence),
                               to_text(alert.trace),
                               to_text(alert.action),
                               stored.responded,
                               stored.responded_from,
                               stored.cause(),
                               stored.cause_kind,
                               alert.owner,
                               alert.note,
                               now,
                               workspace,
                               alert.id}));
  return {};
}

Result<void> add_event(Session& session, const std::string& workspace, const std::string& alert, AlertEvent event) {
  MILLRACE_TRY(const auto row, session.first("SELECT coalesce(max(number), 0) FROM alert_events WHERE workspace = ? "
                                             "AND alert = ?",
                                             {workspace, alert}));
  MILLRACE_DO(
      session.execute("INSERT INTO alert_events (workspace, alert, number, kind, event_time, recorded_at, "
                      "subject, why, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      {workspace, alert, row->integer(0) + 1, event.kind, event.event_time, event.recorded_at,
                       event.subject, event.why, to_text(event.body)}));
  return {};
}

Result<std::vector<AlertEvent>> events_of(Session& session, const std::string& workspace, const std::string& alert) {
  MILLRACE_TRY(const auto rows,
               session.query("SELECT number, kind, event_time, recorded_at, subject, why, body FROM alert_events WHERE "
                             "workspace = ? AND alert = ? ORDER BY number",
                             {workspace, alert}));
  std::vector<AlertEvent> out;
  for (const auto& row : rows) {
    AlertEvent event{.number = row.integer(0),
                     .kind = row.text(1),
                     .event_time = row.integer(2),
                     .recorded_at = row.integer(3),
                     .subject = row.text(4),
                     .why = row.text(5)};
    MILLRACE_TRY(event.body, stored_json(row, 6, alert));
    out.push_back(std::move(event));
  }
  return out;
}

}  // namespace millrace::monitor
