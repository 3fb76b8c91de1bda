#include "exchange/export.h"
#include "exchange/import.h"

#include "api/native/reply.h"
#include "api/native/routes.h"

namespace millrace::api::native {
namespace {

Json submitted_json(const jobs::Job& job) { return {{"id", job.id}, {"kind", job.kind}, {"state", job.state}}; }

// Files of the machine are only named by who reads them anyway: the state folder's own user over its socket.
Result<void> check_local(const Request& in, std::string_view command) {
  if (in.caller.via == "cli") return {};
  return Error{Code::denied, "files of the server's machine are named from its command line"}.hint(
      std::string(command));
}

Result<Json> start_import(Services& s, const Request& in) {
  MILLRACE_DO(check_local(in, "millrace import mlflow SOURCE"));
  MILLRACE_TRY(auto body, read_object(in, {"source", "source_workspace", "artifacts", "artifact_roots", "on_clash",
                                           "dry_run", "password"}));
  MILLRACE_TRY(auto password, exchange::take_password(body));
  MILLRACE_TRY(const auto options, exchange::read_import(body));
  (void)options;
  if (!password.empty()) {
    const auto ticket = s.context.uuid();
    s.passwords.keep(ticket, std::move(password));
    body["password_ticket"] = ticket;
  }
  MILLRACE_TRY(const auto job, s.jobs.submit(in.caller, {.kind = std::string(exchange::kImportJob), .payload = body}));
  return submitted_json(job);
}

Result<Json> start_export(Services& s, const Request& in) {
  MILLRACE_DO(check_local(in, "millrace export mlflow FOLDER"));
  MILLRACE_TRY(const auto body, read_object(in, {"target", "artifacts", "format"}));
  MILLRACE_TRY(const auto options, exchange::read_export(body));
  (void)options;
  MILLRACE_TRY(const auto job, s.jobs.submit(in.caller, {.kind = std::string(exchange::kExportJob), .payload = body}));
  return submitted_json(job);
}

}  // namespace

Routes exchange_routes(Services& s) {
  const std::string base = "/api/millrace/v1";
  return {
      {"POST", base + "/imports", Permission::write, kJsonBody, "job.submitted", Run::worker,
       [&s](Request& in) {
         return answer(
             in, [&] { return start_import(s, in); }, 202);
       },
       "Take over what an MLflow tracking server holds; answers the job that does it."},
      {"POST", base + "/exports", Permission::write, kJsonBody, "job.submitted", Run::worker,
       [&s](Request& in) {
         return answer(
             in, [&] { return start_export(s, in); }, 202);
       },
       "Give what tracking holds as a store of MLflow's; answers the job that does it."},
  };
}

}  // namespace millrace::api::native
