// Opens the metadata store wherever it is. A process that shares PostgreSQL with others writes one group at a time:
// each group takes the store's lock first, so that what a Write reads stays true until its commit, as on SQLite.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "store/database.h"

namespace millrace::store {

// postgresql://... or postgres://...; anything else is the path of an SQLite file.
bool is_postgres(std::string_view place);
// For logs and errors: without user and secret.
std::string shown_place(const std::string& place);
bool has_password(const std::string& url);

// `writer` names this process among those that share a store (store/writer.h).
Result<std::unique_ptr<Database>> open_database(const std::string& place, Context& context,
                                                const std::string& writer = "");

// Migrates, as open_sqlite does. A write or read that meets a lost connection before its first statement goes to a new
// one; after that it is `unavailable` and nothing of it was kept. When the connection is lost during a commit the
// store asks the database whether it was kept, and answers only then; `conflict` when there is no answer within
// 60 s. Functions are never run twice. A statement has 60 s, waiting for other servers' writes 20 s.
Result<std::unique_ptr<Database>> open_postgres(const std::string& url, Context& context,
                                                const std::string& writer = "");

}  // namespace millrace::store
