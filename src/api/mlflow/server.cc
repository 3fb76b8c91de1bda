#include "api/mlflow/table.h"

namespace millrace::api::mlflow {
namespace {

// The release of MLflow whose protocol these answers follow and whose client the tests run: clients compare it with
// their own.
constexpr std::string_view kVersion = "3.17.2";

Reply version(Request&, const Services&) { return Reply::text(std::string(kVersion)); }

// Answered without login: nothing here may be a secret. What is missing or false, clients do not try.
Reply server_info(Request&, const Services& s) {
  return Reply::json({{"store_type", "SqlStore"},
                      {"workspaces_enabled", false},
                      {"trace_archival_enabled", false},
                      {"multipart_uploads_enabled", true},
                      {"multipart_downloads_enabled", s.tracking.artifacts().presigns()},
                      {"artifact_serving_enabled", true},
                      {"presigned_upload_run_id_supported", true},
                      {"presigned_upload_model_id_supported", true},
                      {"features_enabled", {{"gateway", false}}}});
}

}  // namespace

void add_server(Table& table) {
  table.add_below({""}, {"GET", "/version", Permission::open, "none",
                         "The MLflow release whose protocol this server speaks.", version});
  table.add_below({"/api/3.0/mlflow", "/ajax-api/3.0/mlflow"}, {"GET", "/server-info", Permission::open, "none",
                                                                "What clients may use of this server.", server_info});
}

}  // namespace millrace::api::mlflow
