#include "review/reviews.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/limits.h"
#include "core/yaml.h"
#include "registry/rules.h"

namespace millrace::review {
namespace {

using store::Row;
using store::Session;
using store::Values;

constexpr std::string_view kPrefix = "review-";
constexpr std::string_view kDecisions[] = {"confirmed", "dismissed", "fixed"};
constexpr std::string_view kStates[] = {"open", "closed"};
constexpr std::string_view kColumns =
    "id, kind, key, cause, summary, state, opened_at, recorded_at, decision, why, closed_by, closed_at, answer";

Result<Review> review_of(Session& session, const std::string& workspace, const Row& row) {
  Review out{.id = row.text(0),
             .kind = row.text(1),
             .key = row.text(2),
             .cause = row.text(3),
             .summary = row.text(4),
             .state = row.text(5),
             .subjects = {},
             .opened_at = row.integer(6),
             .recorded_at = row.integer(7),
             .decision = row.text(8),
             .why = row.text(9),
             .by = row.text(10),
             .answer = nullptr,
             .closed_at = row.integer(11)};
  if (!row.text(12).empty()) {
    MILLRACE_TRY(out.answer, parse_json(row.text(12), out.node()));
  }
  MILLRACE_TRY(const auto subjects, session.query("SELECT node, summary, evidence, joined_at FROM review_subjects "
                                                  "WHERE workspace = ? AND review = ? ORDER BY number",
                                                  {workspace, out.id}));
  for (const auto& subject : subjects) {
    MILLRACE_TRY(auto evidence, parse_json(subject.text(2), out.node()));
    out.subjects.push_back({subject.text(0), subject.text(1), std::move(evidence), subject.integer(3)});
  }
  return out;
}

Result<std::vector<Review>> many(Session& session, const std::string& workspace, std::string_view rest,
                                 const Values& values) {
  MILLRACE_TRY(const auto rows, session.query(fmt::format("SELECT {} FROM reviews {}", kColumns, rest), values));
  std::vector<Review> out;
  for (const auto& row : rows) {
    MILLRACE_TRY(auto review, review_of(session, workspace, row));
    out.push_back(std::move(review));
  }
  return out;
}

Error unknown(const std::string& name) {
  return Error{Code::not_found, fmt::format("there is no review '{}'", name.substr(0, 100))}.at_field("id").hint(
      "millrace review list shows the ids; a unique prefix will do");
}

Result<Review> find_named(Session& session, const std::string& workspace, const std::string& name) {
  std::string id = name.starts_with("review:") ? name.substr(7) : name;
  if (!id.starts_with(kPrefix)) id = std::string(kPrefix) + id;
  if (id.size() == kPrefix.size()) return unknown(name);
  MILLRACE_TRY(auto found, many(session, workspace, "WHERE workspace = ? AND id >= ? AND id < ? ORDER BY id LIMIT 2",
                                {workspace, id, id + "~"}));
  if (found.empty()) return unknown(name);
  if (found.size() > 1 && found.front().id != id)
    return Error{Code::invalid, fmt::format("'{}' names more than one review", name.substr(0, 100))}
        .at_field("id")
        .hint(fmt::format("give more of it: {}, {} ...", found[0].id, found[1].id));
  return std::move(found.front());
}

// The item that a question belongs to already.
Result<std::optional<Review>> asked(Session& session, const std::string& workspace, const Question& question) {
  MILLRACE_TRY(auto open, many(session, workspace, "WHERE workspace = ? AND key = ? AND state = 'open'",
                               {workspace, question.key}));
  if (!open.empty()) return std::optional(std::move(open.front()));
  MILLRACE_TRY(auto past, many(session, workspace, "WHERE workspace = ? AND key = ? ORDER BY id DESC LIMIT 1",
                               {workspace, question.key}));
  if (past.empty()) return std::optional<Review>();
  const bool has_it = std::any_of(past.front().subjects.begin(), past.front().subjects.end(),
                                  [&](const auto& subject) { return subject.node == question.subject; });
  const bool answered = !question.cause.empty() && past.front().decision != "fixed";
  return has_it || answered ? std::optional(std::move(past.front())) : std::nullopt;
}

lineage::Change review_change(std::string kind, const Review& review, const std::string& why, Micros event_time) {
  lineage::Change change{.kind = std::move(kind),
                         .node = review.node(),
                         .before = "",
                         .after = "",
                         .why = why,
                         .body = {{"kind", review.kind},
                                  {"state", review.state},
                                  {"cause", review.cause.empty() ? Json(nullptr) : Json(review.cause)},
                                  {"decision", review.decision}},
                         .event_time = event_time};
  if (!review.answer.is_null()) change.body["answer"] = review.answer;
  change.nodes.push_back(
      {.id = review.node(), .digest = "", .attributes = {{"kind", review.kind}, {"summary", review.summary}}});
  for (const auto& subject : review.subjects)
    change.edges.push_back({.source = subject.node, .target = review.node(), .kind = "reviewed_in"});
  return change;
}

Result<void> insert_review(Session& session, const std::string& workspace, const Review& review) {
  MILLRACE_DO(session.execute(
      fmt::format("INSERT INTO reviews (workspace, {}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", kColumns),
      {workspace, review.id, review.kind, review.key, review.cause, review.summary, review.state, review.opened_at,
       review.recorded_at, review.decision, review.why, review.by, review.closed_at, ""}));
  return {};
}

Result<void> add_subject(Session& session, const std::string& workspace, Review& review, const Question& question,
                         Micros at) {
  MILLRACE_DO(
      session.execute("INSERT INTO review_subjects (workspace, review, node, number, summary, evidence, "
                      "joined_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                      {workspace, review.id, question.subject, static_cast<int64_t>(review.subjects.size()) + 1,
                       question.summary, to_text(question.evidence), at}));
  review.subjects.push_back({question.subject, question.summary, question.evidence, at});
  return {};
}

Result<void> one_of(std::string_view word, std::string_view what, std::span<const std::string_view> known) {
  if (std::find(known.begin(), known.end(), word) != known.end()) return {};
  const auto near = did_you_mean(word, {known.begin(), known.end()});
  return Error{Code::invalid, fmt::format("'{}' is no {} of a review", word.substr(0, 100), what)}
      .at_field(std::string(what))
      .hint(near ? fmt::format("did you mean '{}'?", *near) : fmt::format("there are: {}", fmt::join(known, ", ")));
}

Result<void> may_close(const Caller& caller) {
  if (caller.has_role("writer") || caller.is_local()) return {};
  return Error{Code::denied, fmt::format("{} may not close reviews: that takes the role 'writer'", caller.subject)}
      .hint("ask for a token with that role: millrace token create --subject NAME --role writer");
}

}  // namespace

Json Review::to_json() const {
  Json listed = Json::array();
  for (const auto& subject : subjects)
    listed.push_back({{"node", subject.node},
                      {"summary", subject.summary},
                      {"evidence", subject.evidence},
                      {"joined_at", to_iso(subject.joined_at)}});
  const bool closed = state == "closed";
  return {{"node", node()},
          {"id", id},
          {"kind", kind},
          {"cause", cause.empty() ? Json(nullptr) : Json(cause)},
          {"summary", summary},
          {"state", state},
          {"subjects", std::move(listed)},
          {"opened_at", to_iso(opened_at)},
          {"recorded_at", to_iso(recorded_at)},
          {"decision", closed ? Json(decision) : Json(nullptr)},
          {"answer", answer},
          {"why", closed ? Json(why) : Json(nullptr)},
          {"by", closed ? Json(by) : Json(nullptr)},
          {"closed_at", closed ? Json(to_iso(closed_at)) : Json(nullptr)}};
}

Result<Review> Reviews::open(const Caller& caller, const Question& question) {
  std::optional<Review> out;
  MILLRACE_DO(journal_.write(caller, [&](Session& session) -> Result<lineage::Change> {
    const Micros now = context_.now(), at = question.event_time != 0 ? question.event_time : now;
    MILLRACE_TRY(out, asked(session, caller.workspace, question));
    const bool fresh = !out;
    if (fresh) {
      out = Review{.id = std::string(kPrefix) + context_.uuid(),
                   .kind = question.kind,
                   .key = question.key,
                   .cause = question.cause,
                   .summary = question.summary,
                   .state = "open",
                   .opened_at = at,
                   .recorded_at = now};
      MILLRACE_DO(insert_review(session, caller.workspace, *out));
    }
    if (std::any_of(out->subjects.begin(), out->subjects.end(),
                    [&](const auto& subject) { return subject.node == question.subject; }))
      return lineage::Change{};
    MILLRACE_DO(add_subject(session, caller.workspace, *out, question, at));
    return review_change(fresh ? "review.opened" : "review.joined", *out, question.summary, at);
  }));
  return std::move(*out);
}

Result<Review> Reviews::get(const std::string& workspace, const std::string& name) const {
  std::optional<Review> out;
  MILLRACE_DO(database_.read([&](Session& session) -> Result<void> {
    MILLRACE_TRY(out, find_named(session, workspace, name));
    return {};
  }));
  return std::move(*out);
}

Result<ReviewPage> Reviews::list(const std::string& workspace, const std::string& state, const std::string& before,
                                 std::string_view kind) const {
  if (!state.empty()) MILLRACE_DO(one_of(state, "state", kStates));
  ReviewPage out;
  MILLRACE_DO(database_.read([&](Session& session) -> Result<void> {
    std::string rest = "WHERE workspace = ?";
    Values values{workspace};
    const auto also = [&](std::string_view condition, std::string_view value) {
      if (value.empty()) return;
      rest += condition;
      values.emplace_back(std::string(value));
    };
    also(" AND kind = ?", kind);
    also(" AND state = ?", state);
    also(" AND id < ?", before);
    values.emplace_back(static_cast<int64_t>(limits::page_size));
    MILLRACE_TRY(out.items, many(session, workspace, rest + " ORDER BY id DESC LIMIT ?", values));
    return {};
  }));
  if (out.items.size() == limits::page_size) out.next = out.items.back().id;
  return out;
}

Result<std::optional<Review>> Reviews::find_by_key(const std::string& workspace, const std::string& key) const {
  std::optional<Review> out;
  MILLRACE_DO(database_.read([&](Session& session) -> Result<void> {
    MILLRACE_TRY(auto found, many(session, workspace, "WHERE workspace = ? AND key = ? ORDER BY id DESC LIMIT 1",
                                  {workspace, key}));
    if (!found.empty()) out = std::move(found.front());
    return {};
  }));
  return out;
}

Result<std::optional<Review>> Reviews::find_of(const std::string& workspace, const std::string& node) const {
  std::optional<Review> out;
  MILLRACE_DO(database_.read([&](Session& session) -> Result<void> {
    MILLRACE_TRY(auto found, many(session, workspace,
                                  "WHERE workspace = ? AND id IN (SELECT review FROM review_subjects WHERE workspace = "
                                  "? AND node = ?) ORDER BY id DESC LIMIT 1",
                                  {workspace, workspace, node}));
    if (!found.empty()) out = std::move(found.front());
    return {};
  }));
  return out;
}

struct Reviews::Closing {
  std::string decision, why;
  Json answer;
  const Beside* beside = nullptr;  // of a case
};

Result<Review> Reviews::close(const Caller& caller, const std::string& name, const std::string& decision,
                              const std::string& why) {
  MILLRACE_DO(may_close(caller));
  MILLRACE_DO(one_of(decision, "decision", kDecisions));
  return close_as(caller, name, {.decision = decision, .why = why, .answer = nullptr});
}

Result<Review> Reviews::close_case(const Caller& caller, const std::string& name, const Labelled& labelled,
                                   const Beside& beside) {
  MILLRACE_DO(may_close(caller));
  return close_as(caller, name,
                  {.decision = "labelled", .why = labelled.why, .answer = labelled.answer, .beside = &beside});
}

Result<Review> Reviews::close_as(const Caller& caller, const std::string& name, const Closing& closing) {
  MILLRACE_DO(registry::check_why(closing.why, "a decision"));
  std::optional<Review> out;
  MILLRACE_DO(journal_.write(caller, [&](Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(out, find_named(session, caller.workspace, name));
    if (out->state == "closed")
      return Error{Code::conflict, fmt::format("{} was closed as {} by {} at {}: {}", out->node(), out->decision,
                                               out->by, to_iso(out->closed_at), out->why)}
          .hint("a question that comes up again is a new review");
    if ((out->kind == kCase) != (closing.beside != nullptr))
      return Error{Code::invalid, fmt::format("{} is a case, which is decided with a label", out->node())}.hint(
          fmt::format("millrace case decide {} --label 0 or 1 --why TEXT", out->key));
    if (closing.beside != nullptr) MILLRACE_DO((*closing.beside)(session, *out));
    out->state = "closed";
    out->decision = closing.decision;
    out->answer = closing.answer;
    out->why = closing.why;
    out->by = caller.subject;
    out->closed_at = context_.now();
    MILLRACE_DO(session.execute(
        "UPDATE reviews SET state = 'closed', decision = ?, why = ?, closed_by = ?, closed_at = ?, answer = ? WHERE "
        "workspace = ? AND id = ?",
        {out->decision, out->why, out->by, out->closed_at, out->answer.is_null() ? "" : to_text(out->answer),
         caller.workspace, out->id}));
    return review_change("review.closed", *out, out->why, 0);
  }));
  return std::move(*out);
}

}  // namespace millrace::review
