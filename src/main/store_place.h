// Where a state folder's metadata is, and which writer the folder is among those that share it.
#pragma once
#include <memory>
#include <string>

#include "core/context.h"
#include "core/result.h"
#include "store/database.h"

namespace millrace {

struct OpenStore {
  std::string place;  // of store::open_database; holds secrets
  std::unique_ptr<store::Database> database;
  std::string writer;  // "main", or in a shared store the name of this state folder
};

// Opens what `given` (--store) names, else MILLRACE_STORE, else `store:` of the project's millrace.yaml, else
// STATE/meta.db. Only URLs of PostgreSQL are named; a password stands in millrace.yaml only as ${env:NAME} or
// ${file:PATH}. A state folder gets its name at the first use of a shared store and keeps it, with the database's
// identity, in STATE/store.json; `conflict` when its metadata is elsewhere. `project` may be "".
Result<OpenStore> open_store(const std::string& given, const std::string& project, const std::string& state,
                             Context& context);

}  // namespace millrace
