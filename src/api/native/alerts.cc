#include <fmt/format.h>

#include "api/native/paging.h"
#include "api/native/routes.h"
#include "monitor/alert/groups.h"
#include "report/pages/story.h"

namespace millrace::api::native {
namespace {

// An alert with the review that asks about it, if there is one.
Result<Json> with_review(Services& s, const Request& in, const monitor::AlertDetails& alert) {
  MILLRACE_TRY(const auto review, s.reviews.find_of(in.caller.workspace, alert.alert.node()));
  Json out = alert.to_json();
  out["review"] = nullptr;
  if (review)
    out["review"] = {{"id", review->id},
                     {"node", review->node()},
                     {"state", review->state},
                     {"by", review->by},
                     {"decision", review->decision},
                     {"why", review->why},
                     {"subjects", review->subjects.size()}};
  return out;
}

constexpr int64_t kGrouped = 10'000;  // alerts, the newest

Result<monitor::AlertFilter> filter_of(const Request& in) {
  monitor::AlertFilter out{.deployment = in.query_value("deployment").value_or(""),
                           .state = in.query_value("state").value_or(""),
                           .before = in.query_value("after").value_or(""),
                           .severity = in.query_value("severity").value_or(""),
                           .subject = in.query_value("subject").value_or(""),
                           .kind = in.query_value("kind").value_or(""),
                           .cause = in.query_value("cause").value_or("")};
  if (!out.severity.empty() && out.severity != "warn" && out.severity != "page")
    return Error{Code::invalid, fmt::format("'{}' is no severity", out.severity.substr(0, 100))}
        .at_field("severity")
        .hint("warn or page");
  if (in.query_value("limit")) {
    MILLRACE_TRY(out.limit, page_limit(in));
  }
  return out;
}

Result<Json> list(Services& s, const Request& in) {
  MILLRACE_TRY(const auto filter, filter_of(in));
  MILLRACE_TRY(const auto found, s.alerts.list(in.caller.workspace, filter));
  Json items = Json::array();
  for (const auto& alert : found.items) {
    MILLRACE_TRY(auto item, with_review(s, in, alert));
    items.push_back(std::move(item));
  }
  return Json{{"items", std::move(items)},
              {"next", found.next.empty() ? Json(nullptr) : Json(found.next)},
              {"total", found.total}};
}

Result<Json> groups(Services& s, const Request& in) {
  MILLRACE_TRY(const auto filter, filter_of(in));
  MILLRACE_TRY(const auto slice, page_slice(in));
  // The list knows which states there are.
  MILLRACE_DO(s.alerts.list(in.caller.workspace, {.state = filter.state, .limit = 1}));
  std::vector<monitor::Headline> alerts;
  MILLRACE_DO(s.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(alerts, monitor::headlines(session, in.caller.workspace,
                                            {.deployment = filter.deployment,
                                             .state = filter.state,
                                             .severity = filter.severity,
                                             .subject = filter.subject,
                                             .cause = filter.cause,
                                             .kind = filter.kind},
                                            kGrouped));
    return {};
  }));
  MILLRACE_TRY(const auto found, monitor::group_alerts(alerts, in.query_value("by").value_or("cause")));
  return page_of(found, slice, [](const monitor::AlertGroup& group) { return group.to_json(); });
}

Result<Json> story(Services& s, const Request& in) {
  MILLRACE_TRY(const auto alert, s.alerts.get(in.caller.workspace, in.arg("id")));
  return report::story_page(s.datasets, s.database, in.caller.workspace, alert.to_json());
}

Result<Json> show(Services& s, const Request& in) {
  MILLRACE_TRY(const auto alert, s.alerts.get(in.caller.workspace, in.arg("id")));
  return with_review(s, in, alert);
}

Result<Json> acknowledge(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"why"}));
  MILLRACE_TRY(const auto alert, s.alerts.acknowledge(in.caller, in.arg("id"), string_or(body, "why", "")));
  return with_review(s, in, alert);
}

Result<Json> resolve(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"why"}));
  MILLRACE_TRY(const auto alert, s.alerts.resolve(in.caller, in.arg("id"), string_or(body, "why", "")));
  return with_review(s, in, alert);
}

Result<Json> reviews(Services& s, const Request& in) {
  MILLRACE_TRY(const auto found, s.reviews.list(in.caller.workspace, in.query_value("state").value_or(""),
                                                in.query_value("after").value_or("")));
  Json out = page(found.items);
  if (!found.next.empty()) out["next"] = found.next;
  return out;
}

Result<Json> review(Services& s, const Request& in) {
  MILLRACE_TRY(const auto found, s.reviews.get(in.caller.workspace, in.arg("id")));
  return found.to_json();
}

Result<Json> close(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"decision", "why"}));
  MILLRACE_TRY(const auto closed,
               s.reviews.close(in.caller, in.arg("id"), string_or(body, "decision", ""), string_or(body, "why", "")));
  return closed.to_json();
}

}  // namespace

Routes alert_routes(Services& s) {
  const std::string alerts = "/api/millrace/v1/alerts", reviewed = "/api/millrace/v1/reviews";
  return {
      {"GET", alerts, Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return list(s, in); }); },
       "Alerts, newest first; ?deployment=&state=&severity=&kind=&subject=&cause=NODE&limit= if given."},
      {"GET", alerts + "/groups", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return groups(s, in); }); },
       "Alerts by what they share: ?by=cause|deployment|month, with the filters of the list."},
      {"GET", alerts + "/{id}", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return show(s, in); }); },
       "One alert: evidence, history, trace, what it led to. The id may be a unique prefix or KIND:SUBJECT."},
      {"GET", alerts + "/{id}/story", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return story(s, in); }); },
       "The alert from what was seen to where it came from, step by step in plain words."},
      {"POST", alerts + "/{id}/ack", Permission::write, kJsonBody, "alert.acknowledged", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return acknowledge(s, in); }); },
       "Say that somebody looks after a firing alert."},
      {"POST", alerts + "/{id}/resolve", Permission::write, kJsonBody, "alert.resolved", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return resolve(s, in); }); }, "End an alert, with a reason."},
      {"GET", reviewed, Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return reviews(s, in); }); },
       "Questions to people, newest first; in ?state= if given."},
      {"GET", reviewed + "/{id}", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return review(s, in); }); },
       "One review with all that it is about."},
      {"POST", reviewed + "/{id}/close", Permission::write, kJsonBody, "review.closed", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return close(s, in); }); },
       "Answer a review: confirmed, dismissed or fixed, and why."},
  };
}

}  // namespace millrace::api::native
