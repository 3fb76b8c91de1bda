#include "api/mlflow/table.h"
#include "api/mlflow/text.h"

namespace millrace::api::mlflow {
namespace {

const std::vector<std::string_view> kStatuses{"LOGGED_MODEL_STATUS_UNSPECIFIED", "LOGGED_MODEL_PENDING",
                                              "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"};

Reply create(Request& request, const Services& s) {
  auto in = Body::of(request);
  const track::NewModel wanted{.experiment_id = in.text("experiment_id"),
                               .name = in.text_or("name"),
                               .model_type = in.text_or("model_type"),
                               .source_run_id = in.text_or("source_run_id"),
                               .tags = in.pairs("tags"),
                               .params = in.pairs("params")};
  if (in.failed()) return error_reply(in.error());
  return item_reply("model", s.tracking.create_model(request.caller, wanted));
}

Reply get(Request& request, const Services& s) {
  auto in = Body::of(request);
  const bool deleted_too = in.boolean_or("allow_deleted", false);
  if (in.failed()) return error_reply(in.error());
  return item_reply("model", s.tracking.get_model(request.caller, request.arg("model_id"),
                                                  deleted_too ? track::View::all : track::View::active));
}

Reply finalize(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto status = in.enumerated("status", kStatuses, 0);
  if (status.empty()) in.text("status");  // names the missing parameter
  if (in.failed()) return error_reply(in.error());
  return item_reply("model", s.tracking.finalize_model(request.caller, request.arg("model_id"), status));
}

Reply remove(Request& request, const Services& s) {
  return reply_of(s.tracking.delete_model(request.caller, request.arg("model_id")));
}

Reply set_tags(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto tags = in.pairs("tags");
  return in.failed() ? error_reply(in.error())
                     : reply_of(s.tracking.set_model_tags(request.caller, request.arg("model_id"), tags));
}

Reply delete_tag(Request& request, const Services& s) {
  return reply_of(s.tracking.delete_model_tag(request.caller, request.arg("model_id"), request.arg("key")));
}

Reply log_params(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto params = in.pairs("params");
  return in.failed() ? error_reply(in.error())
                     : reply_of(s.tracking.log_model_params(request.caller, request.arg("model_id"), params));
}

// An object {field_name, ascending} becomes a clause; the name is quoted, so that it cannot be more than a name.
std::string clause_of(Body& in) {
  const auto name = in.text("field_name");
  const auto dot = name.find('.');
  if (dot != std::string::npos && name.substr(0, dot) != "metrics") return name + " is not metrics.NAME";
  std::string quoted = dot == std::string::npos ? "" : "metrics.";
  quoted += '`';
  for (const char c : dot == std::string::npos ? name : name.substr(dot + 1))
    quoted += c == '`' ? std::string("``") : std::string(1, c);
  return quoted + (in.boolean_or("ascending", true) ? "` ASC" : "` DESC");
}

Reply search(Request& request, const Services& s) {
  auto in = Body::of(request);
  track::Search wanted{.experiment_ids = in.texts("experiment_ids"),
                       .filter = in.text_or("filter"),
                       .order_by = {},
                       .view = track::View::active,
                       .max_results = in.integer_or("max_results", 100),
                       .page_token = in.text_or("page_token")};
  for (auto& each : in.objects("datasets")) {
    wanted.datasets.push_back({each.text("dataset_name"), each.text_or("dataset_digest")});
    in.check(each);
  }
  for (auto& each : in.objects("order_by")) {
    wanted.order_by.push_back(clause_of(each));
    wanted.order_on.push_back({each.text_or("dataset_name"), each.text_or("dataset_digest")});
    in.check(each);
  }
  if (in.failed()) return error_reply(in.error());
  return page_reply("models", s.tracking.search_models(request.caller, wanted));
}

Reply list_artifacts(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto folder = in.text_or("artifact_directory_path");
  if (in.failed()) return error_reply(in.error());
  const auto model = s.tracking.get_model(request.caller, request.arg("model_id"));
  if (!model) return error_reply(model.error());
  return reply_of(s.tracking.list_below(request.caller, model->artifact_uri, folder), [&](const auto& files) {
    Json out{{"root_uri", model->artifact_uri}};
    for (const auto& file : files) out["files"].push_back(to_json(file, folder));
    return out;
  });
}

}  // namespace

void add_logged_models(Table& table) {
  table.add({"POST", "/logged-models", Permission::write, "logged_model.created",
             "Makes a logged model, to be filled and finalized.", create});
  table.add({"POST", "/logged-models/search", Permission::read, "none", "Logged models by filter and order.", search});
  table.add({"GET", "/logged-models/{model_id}", Permission::read, "none", "One logged model.", get});
  table.add({"PATCH", "/logged-models/{model_id}", Permission::write, "logged_model.finalized",
             "Says that a model's files are all there, or failed.", finalize});
  table.add({"DELETE", "/logged-models/{model_id}", Permission::write, "logged_model.deleted",
             "Marks a logged model deleted.", remove});
  table.add({"PATCH", "/logged-models/{model_id}/tags", Permission::write, "logged_model.tags_set",
             "Sets tags of a logged model.", set_tags});
  table.add({"DELETE", "/logged-models/{model_id}/tags/{key...}", Permission::write, "logged_model.tag_deleted",
             "Removes a tag of a logged model.", delete_tag});
  table.add({"POST", "/logged-models/{model_id}/params", Permission::write, "logged_model.params_logged",
             "Sets parameters of a logged model, once.", log_params});
  table.add({"GET", "/logged-models/{model_id}/artifacts/directories", Permission::read, "none",
             "The files of a logged model, a folder at a time.", list_artifacts});
}

}  // namespace millrace::api::mlflow
