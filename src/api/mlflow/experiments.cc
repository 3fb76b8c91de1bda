#include "api/mlflow/table.h"

namespace millrace::api::mlflow {
namespace {

Reply create(Request& request, const Services& s) {
  auto in = Body::of(request);
  track::NewExperiment wanted{in.text("name"), in.text_or("artifact_location"), in.pairs("tags")};
  if (in.failed()) return error_reply(in.error());
  const auto id = s.tracking.create_experiment(request.caller, wanted);
  return id ? Reply::json({{"experiment_id", *id}}) : creation_error(id.error());
}

Reply get(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto id = in.text("experiment_id");
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.tracking.get_experiment(request.caller, id), [](const auto& found) {
    return Json{{"experiment", to_json(found)}};
  });
}

Reply get_by_name(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto name = in.text("experiment_name");
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.tracking.get_experiment_by_name(request.caller, name), [](const auto& found) {
    return Json{{"experiment", to_json(found)}};
  });
}

Reply search(Request& request, const Services& s) {
  auto in = Body::of(request);
  const track::Search wanted{.experiment_ids = {},
                             .filter = in.text_or("filter"),
                             .order_by = in.texts("order_by"),
                             .view = view_of(in, "view_type"),
                             .max_results = in.integer_or("max_results", 1000),
                             .page_token = in.text_or("page_token")};
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.tracking.search_experiments(request.caller, wanted),
                  [](const auto& page) { return page_json("experiments", page); });
}

Reply update(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto id = in.text("experiment_id");
  const auto name = in.text("new_name");
  if (in.failed()) return error_reply(in.error());
  const auto done = s.tracking.rename_experiment(request.caller, id, name);
  return done ? Reply::json(Json::object()) : creation_error(done.error());
}

Reply remove(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto id = in.text("experiment_id");
  return in.failed() ? error_reply(in.error()) : reply_of(s.tracking.delete_experiment(request.caller, id));
}

Reply restore(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto id = in.text("experiment_id");
  return in.failed() ? error_reply(in.error()) : reply_of(s.tracking.restore_experiment(request.caller, id));
}

Reply set_tag(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto id = in.text("experiment_id");
  const track::KeyValue tag{in.text("key"), in.text_or("value")};
  return in.failed() ? error_reply(in.error()) : reply_of(s.tracking.set_experiment_tag(request.caller, id, tag));
}

Reply delete_tag(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto id = in.text("experiment_id");
  const auto key = in.text("key");
  return in.failed() ? error_reply(in.error()) : reply_of(s.tracking.delete_experiment_tag(request.caller, id, key));
}

}  // namespace

void add_experiments(Table& table) {
  table.add({"POST", "/experiments/create", Permission::write, "experiment.created", "Makes an experiment.", create});
  table.add({"GET", "/experiments/get", Permission::read, "none", "One experiment by its id, deleted ones too.", get});
  table.add({"GET", "/experiments/get-by-name", Permission::read, "none", "One experiment by its name.", get_by_name});
  table.add({"GET", "/experiments/search", Permission::read, "none", "Experiments by filter and order.", search});
  table.add({"POST", "/experiments/search", Permission::read, "none", "Experiments by filter and order.", search});
  table.add({"POST", "/experiments/update", Permission::write, "experiment.renamed", "Renames an experiment.", update});
  table.add({"POST", "/experiments/delete", Permission::write, "experiment.deleted",
             "Marks an experiment and its runs deleted.", remove});
  table.add(
      {"POST", "/experiments/restore", Permission::write, "experiment.restored", "Takes a deletion back.", restore});
  table.add({"POST", "/experiments/set-experiment-tag", Permission::write, "experiment.tag_set",
             "Sets a tag of an experiment.", set_tag});
  table.add({"POST", "/experiments/delete-experiment-tag", Permission::write, "experiment.tag_deleted",
             "Removes a tag of an experiment.", delete_tag});
}

}  // namespace millrace::api::mlflow
