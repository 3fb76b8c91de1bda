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

}  // namespace

Routes trace_routes(Services& s) {
  return {{"POST", "/api/millrace/v1/deployments/{deployment}/trace", Permission::read, kJsonBody, "none", Run::worker,
           [&s](Request& in) { return answer(in, [&] { return ask(s, in); }); },
           "What changed upstream of a window that may explain a subject: ranked candidates and a verdict."}};
}

}  // namespace millrace::api::native
