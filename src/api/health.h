// How a server is, part by part, for people who look after it. Each check takes milliseconds and changes nothing.
#pragma once
#include <functional>
#include <string>

#include "core/context.h"
#include "core/json.h"
#include "serve/data_plane.h"
#include "store/database.h"

namespace millrace::api {

struct HealthParts {
  store::Database& database;
  serve::DataPlane& data_plane;
  Context& context;
  std::string state, blobs;                 // folders
  std::string database_file;                // SQLite's; "": the store is PostgreSQL
  bool follows = false;                     // it looks for releases of other servers on its store
  std::function<std::string()> http, grpc;  // addresses, "" = off
};

// Thread-safe.
class Health {
 public:
  explicit Health(HealthParts parts) : parts_(std::move(parts)), started_(parts_.context.clock.steady()) {}
  // {"checks": [{"name", "state": ok | warn | fail, "text", "value"}], "state": the worst of them, ...}
  Json look() const;

 private:
  HealthParts parts_;
  Micros started_;
};

}  // namespace millrace::api
