#include <fmt/format.h>

#include "api/native/paging.h"
#include "api/native/routes.h"

namespace millrace::api::native {
namespace {

Result<ChangeQuestion> question_of(const Request& in) {
  MILLRACE_TRY(const auto after, query_integer(in, "after", 0));
  MILLRACE_TRY(const auto seconds, query_integer(in, "wait", 0));
  if (after < 0)
    return Error{Code::invalid, fmt::format("'after' must not be negative, not {}", after)}.at_field("after");
  if (seconds < 0 || seconds > limits::changes_wait_s)
    return Error{Code::invalid,
                 fmt::format("'wait' must be from 0 to {} seconds, not {}", limits::changes_wait_s, seconds)}
        .at_field("wait");
  return ChangeQuestion{in.caller.workspace, after, seconds * 1'000'000};
}

Reply changes(Services& s, const Request& in) {
  auto& changes = s.ui.changes;
  if (!in.query_value("after"))
    return answer(in, [&]() -> Result<Json> {
      MILLRACE_TRY(const auto newest, changes.newest());
      return Json{{"next", newest}, {"items", Json::array()}, {"skipped", false}};
    });
  const auto question = question_of(in);
  if (!question) return problem(question.error(), in.caller.request_id);
  const auto now = changes.look(question->workspace, question->after);
  if (!now) return problem(now.error(), in.caller.request_id);
  if (question->wait == 0 || !(*now)["items"].empty() || (*now)["skipped"] == true) return Reply::json(*now);
  if (changes.is_full()) {
    auto reply = problem(Error{Code::unavailable,
                               fmt::format("{} requests wait for changes, which is the limit", limits::changes_waiting)}
                             .hint("ask without 'wait', or later"),
                         in.caller.request_id);
    reply.headers.emplace_back("retry-after", "5");
    return reply;
  }
  // Lines that others wrote are behind us.
  const ChangeQuestion rest{question->workspace, integer_or(*now, "next", question->after), question->wait};
  auto reply = Reply::empty();
  reply.later = [&changes, rest](Asker asker) { changes.hold(rest, std::move(asker)); };
  return reply;
}

}  // namespace

Routes change_routes(Services& s) {
  Route route{"GET",
              "/api/millrace/v1/changes",
              Permission::read,
              kNoBody,
              "none",
              Run::worker,
              [&s](Request& in) {
                auto reply = changes(s, in);
                reply.headers.emplace_back("cache-control", "no-store");
                return reply;
              },
              "What was written after ?after=SEQUENCE; with ?wait=SECONDS the answer is held back until there is "
              "something. Without 'after' only the newest sequence."};
  route.quiet = true;
  return {std::move(route)};
}

}  // namespace millrace::api::native
