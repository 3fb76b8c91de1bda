// How the files of this folder add their endpoints.
#pragma once
#include <string>

#include "api/http.h"
#include "api/mlflow/body.h"
#include "api/mlflow/entities.h"
#include "api/mlflow/error.h"
#include "api/mlflow/routes.h"
#include "core/limits.h"

namespace millrace::api::mlflow {

using Answer = Reply (*)(Request&, const Services&);

struct Endpoint {
  std::string method, path;  // below the table's prefix: "/runs/create"
  Permission permission;
  std::string audit, summary;
  Answer answer;
  BodyLimit limit{limits::json_body_bytes};
  Result<void> (*check_head)(const Request&, const Services&) = nullptr;
};

class Table {
 public:
  explicit Table(const Services& services) : services_(services) {}
  void add(const Endpoint& endpoint) { add_below({"/api/2.0/mlflow", "/ajax-api/2.0/mlflow"}, endpoint); }
  void add_v3(const Endpoint& endpoint) { add_below({"/api/3.0/mlflow", "/ajax-api/3.0/mlflow"}, endpoint); }
  void add_below(std::initializer_list<std::string> prefixes, const Endpoint& endpoint) {
    for (const auto& prefix : prefixes) {
      auto& route = routes_.emplace_back(
          endpoint.method, prefix + endpoint.path, endpoint.permission, endpoint.limit, endpoint.audit, Run::worker,
          [services = services_, answer = endpoint.answer](Request& request) { return answer(request, services); },
          endpoint.summary);
      if (endpoint.check_head != nullptr)
        route.check_head = [services = services_, check = endpoint.check_head](const Request& request) {
          return check(request, services);
        };
    }
  }
  Routes take() { return std::move(routes_); }

 private:
  Services services_;
  Routes routes_;
};

void add_experiments(Table& table);
void add_runs(Table& table);
void add_logging(Table& table);
void add_history(Table& table);
void add_logged_models(Table& table);
void add_artifacts(Table& table);
void add_version_artifacts(Table& table);  // needs the registry
void add_uploads(Table& table);
void add_presigned(Table& table);
void add_server(Table& table);
void add_registered_models(Table& table);
void add_model_versions(Table& table);
void add_traces(Table& table);
void add_assessments(Table& table);
void add_old_traces(Table& table);
void add_evaluation(Table& table);
void add_webhooks(Table& table);

track::View view_of(Body& body, std::string_view name);

}  // namespace millrace::api::mlflow
