// One search over everything that has a name or an id, for the bar at the top of the web UI.
#pragma once
#include <string>
#include <vector>

#include "core/caller.h"
#include "core/json.h"
#include "serve/data_plane.h"
#include "store/database.h"

namespace millrace::api::finding {

struct Found {
  std::string kind;  // model, model_version, run, experiment, dataset, dataset_version, alert, review, deployment,
                     // stage, job, audit, prediction
  std::string id, title, subtitle, node;
  int rank = 0;  // 0: the text is its name or id, 1: that begins with it, 2: contains it, 3: a tag or detail does
  Json to_json() const;
};

struct Places {
  const store::Database& database;
  const serve::DataPlane& plane;
};

// The best first, at most `limit`, of the caller's workspace. Names are compared without regard to case; tags by how
// their value begins ("fraud"), or key and value ("team=fraud").
Result<std::vector<Found>> search(const Places& places, const Caller& caller, const std::string& text, size_t limit);

}  // namespace millrace::api::finding
