#include "api/mlflow/routes.h"

#include "api/mlflow/table.h"

namespace millrace::api::mlflow {

Routes routes(const Services& services) {
  Table table(services);
  add_experiments(table);
  add_runs(table);
  add_logging(table);
  add_history(table);
  add_logged_models(table);
  add_artifacts(table);
  add_uploads(table);
  add_presigned(table);
  add_server(table);
  if (services.registry != nullptr) {
    add_registered_models(table);
    add_model_versions(table);
    add_version_artifacts(table);
  }
  if (services.traces != nullptr) {
    add_traces(table);
    add_assessments(table);
    add_old_traces(table);
  }
  if (services.evaluation != nullptr) add_evaluation(table);
  if (services.webhooks != nullptr) add_webhooks(table);
  return table.take();
}

track::View view_of(Body& body, std::string_view name) {
  const auto view = body.enumerated(name, {"ACTIVE_ONLY", "DELETED_ONLY", "ALL"}, 1);
  return view == "ALL" ? track::View::all : view == "DELETED_ONLY" ? track::View::deleted : track::View::active;
}

}  // namespace millrace::api::mlflow
