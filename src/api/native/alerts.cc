#include "api/native/reply.h"
#include "api/native/routes.h"

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

Result<Json> list(Services& s, const Request& in) {
  MILLRACE_TRY(const auto found,
               s.alerts.list(in.caller.workspace, {.deployment = in.query_value("deployment").value_or(""),
                                                   .state = in.query_value("state").value_or(""),
                                                   .before = in.query_value("after").value_or("")}));
  Json items = Json::array();
  for (const auto& alert : found.items) {
    MILLRACE_TRY(auto item, with_review(s, in, alert));
    items.push_back(std::move(item));
  }
  return Json{{"items", std::move(items)}, {"next", found.next.empty() ? Json(nullptr) : Json(found.next)}};
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
       "Alerts, newest first; of ?deployment= and in ?state= if given."},
      {"GET", alerts + "/{id}", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return show(s, in); }); },
       "One alert: evidence, history, trace, what it led to. The id may be a unique prefix or KIND:SUBJECT."},
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
