#include "api/mlflow/table.h"
#include "api/mlflow/text.h"

namespace millrace::api::mlflow {
namespace {

const std::vector<std::string_view> kStatuses{"RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"};

Reply create(Request& request, const Services& s) {
  auto in = Body::of(request);
  const track::NewRun wanted{.experiment_id = in.text_or("experiment_id"),
                             .name = in.text_or("run_name"),
                             .user_id = in.text_or("user_id"),
                             .start_time = in.integer_or("start_time", 0),
                             .tags = in.pairs("tags")};
  if (in.failed()) return error_reply(in.error());
  return item_reply("run", s.tracking.create_run(request.caller, wanted));
}

Reply get(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto id = in.run_id();
  if (in.failed()) return error_reply(in.error());
  return item_reply("run", s.tracking.get_run(request.caller, id));
}

Reply update(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto id = in.run_id();
  const auto status = in.enumerated("status", kStatuses, 1);
  const track::RunUpdate wanted{.status = status.empty() ? std::optional<std::string>() : status,
                                .name = in.optional_text("run_name"),
                                .end_time = in.optional_integer("end_time")};
  if (in.failed()) return error_reply(in.error());
  return item_reply("run_info", s.tracking.update_run(request.caller, id, wanted));
}

Reply remove(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto id = in.run_id();
  return in.failed() ? error_reply(in.error()) : reply_of(s.tracking.delete_run(request.caller, id));
}

Reply restore(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto id = in.run_id();
  return in.failed() ? error_reply(in.error()) : reply_of(s.tracking.restore_run(request.caller, id));
}

Reply search(Request& request, const Services& s) {
  auto in = Body::of(request);
  const track::Search wanted{.experiment_ids = in.texts("experiment_ids"),
                             .filter = in.text_or("filter"),
                             .order_by = in.texts("order_by"),
                             .view = view_of(in, "run_view_type"),
                             .max_results = in.integer_or("max_results", 1000),
                             .page_token = in.text_or("page_token")};
  if (in.failed()) return error_reply(in.error());
  return page_reply("runs", s.tracking.search_runs(request.caller, wanted));
}

}  // namespace

void add_runs(Table& table) {
  table.add({"POST", "/runs/create", Permission::write, "run.created", "Starts a run.", create});
  table.add({"GET", "/runs/get", Permission::read, "none", "One run with all that it logged.", get});
  table.add({"POST", "/runs/update", Permission::write, "run.updated", "Sets a run's status, end or name.", update});
  table.add({"POST", "/runs/delete", Permission::write, "run.deleted", "Marks a run deleted.", remove});
  table.add({"POST", "/runs/restore", Permission::write, "run.restored", "Takes a deletion back.", restore});
  table.add({"POST", "/runs/search", Permission::read, "none", "Runs by filter and order.", search});
}

}  // namespace millrace::api::mlflow
