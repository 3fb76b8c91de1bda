// One file of the artifact store as an answer: streamed, in ranges, always a download.
#pragma once
#include <string>

#include "api/mlflow/routes.h"

namespace millrace::api::mlflow {

// `uri` is where the run or model keeps its artifacts, `path` is below it.
Reply send_artifact(const Request& request, const Services& services, const std::string& uri, const std::string& path);

}  // namespace millrace::api::mlflow
