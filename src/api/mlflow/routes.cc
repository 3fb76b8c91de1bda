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
  return table.take();
}

track::View view_of(Body& body, std::string_view name) {
  const auto view = body.enumerated(name, {"ACTIVE_ONLY", "DELETED_ONLY", "ALL"}, 1);
  return view == "ALL" ? track::View::all : view == "DELETED_ONLY" ? track::View::deleted : track::View::active;
}

}  // namespace millrace::api::mlflow
