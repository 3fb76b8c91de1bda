#include "api/native/reply.h"
#include "api/native/routes.h"

namespace millrace::api::native {
namespace {

// Asks about a window and a subject, with no alert needed.
Result<Json> ask(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"kind", "subject", "from", "to"}));
  monitor::Question question{.deployment = in.arg("deployment")};
  MILLRACE_TRY(question.kind, get_string(body, "kind"));
  MILLRACE_TRY(question.subject, get_string(body, "subject"));
  for (const auto& [field, time] : {std::pair{"from", &question.from}, std::pair{"to", &question.to}}) {
    MILLRACE_TRY(const auto text, get_string(body, field));
    auto parsed = parse_time(text);
    if (!parsed) return std::move(parsed).error().at_field(field);
    *time = *parsed;
  }
  MILLRACE_TRY(const auto project, s.project());
  return s.tracer.trace(in.caller, question, project);
}

// Of an alert; kept with it.
Result<Json> ask_alert(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {}));
  MILLRACE_TRY(const auto found, s.alerts.get(in.caller.workspace, in.arg("id")));
  MILLRACE_TRY(const auto project, s.project());
  MILLRACE_TRY(const auto document, s.tracer.trace(in.caller, monitor::question_of(found.alert), project));
  MILLRACE_TRY(const auto kept, s.alerts.keep_trace(in.caller, found.alert.id, document));
  return kept.alert.trace;
}

}  // namespace

Routes trace_routes(Services& s) {
  return {{"POST", "/api/millrace/v1/deployments/{deployment}/trace", Permission::read, kJsonBody, "none", Run::worker,
           [&s](Request& in) { return answer(in, [&] { return ask(s, in); }); },
           "What changed upstream of a window that may explain a subject: ranked candidates and a verdict."},
          {"POST", "/api/millrace/v1/alerts/{id}/trace", Permission::write, kJsonBody, "alert.traced", Run::worker,
           [&s](Request& in) { return answer(in, [&] { return ask_alert(s, in); }); },
           "Look once more for what explains the alert, and keep the answer with it."}};
}

}  // namespace millrace::api::native
