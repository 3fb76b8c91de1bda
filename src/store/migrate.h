// Brings a store to a list of migrations: those that it lacks, in order of number. Tests give a shorter list to make
// the store of a former version.
#pragma once
#include <span>

#include "core/context.h"
#include "core/result.h"
#include "store/migrations.h"

namespace millrace::store {

class Connection;
namespace postgres {
class Connection;
}

// `unsupported` when the store knows a later migration than the list.
Result<void> check_known(int64_t have, std::span<const Migration> all);

// One transaction each: what was done stays done when a later one fails.
Result<void> migrate_sqlite(Connection& db, std::span<const Migration> all, Context& context);
// All of them in one transaction, under the store's lock: of two servers that start together one waits. Refuses a
// schema with tables of another program.
Result<void> migrate_postgres(postgres::Connection& db, std::span<const Migration> all, Context& context);

}  // namespace millrace::store
