// Where a state folder's metadata is, and which writer the folder is among those that share it.
#pragma once
#include <string>

#include "core/context.h"
#include "core/result.h"
#include "store/database.h"

namespace millrace {

// `given` (--store), else MILLRACE_STORE, else `store:` of the project's millrace.yaml, else STATE/meta.db. Only URLs
// of PostgreSQL are places; a password stands in millrace.yaml only as ${env:NAME} or ${file:PATH}. `conflict` when the
// state folder's metadata is elsewhere. `project` may be "".
Result<std::string> store_place(const std::string& given, const std::string& project, const std::string& state);

// The name that this state folder writes under: lineage::kOnlyWriter, or for a shared store one of its own, made at the
// first use and kept in STATE/store.json with the database's identity. `conflict` when that is another database.
Result<std::string> bind_store(const std::string& place, const std::string& state, const store::Database& database,
                               Context& context);

}  // namespace millrace
