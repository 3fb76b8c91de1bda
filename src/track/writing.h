// What a server is writing or removing among the files, told to the others that share its database. Within one server a
// lock keeps writers and those that freeze files apart; between servers a row does: it is there from before the first
// byte moves until what was done is noted, and the transactions of the database, which come one after the other, decide
// who was first. Who writes and finds the path frozen is refused; who freezes and finds a writer waits for it.
// Where nobody shares the database there is no row.
#pragma once
#include <string>

#include "core/caller.h"
#include "core/context.h"
#include "lineage/journal.h"
#include "store/database.h"
#include "track/frozen.h"

namespace millrace::track {

struct WritingParts {
  store::Database& database;
  lineage::Journal& journal;
  Context& context;
};

// One file, or a folder with all below it. Not thread-safe.
class Writing {
 public:
  Writing(WritingParts parts, const Caller& caller, const std::string& path, Below below);
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;
  ~Writing();  // takes the row away when it is still there

  // Asks whether the path is open (check_path_open) and tells the others.
  Result<void> begin();
  // In the transaction that notes what was done. A row that was too old to be waited for is gone: then the path must
  // still be open.
  Result<void> end(store::Session& session);
  void done() { begun_ = false; }  // that transaction has been kept

 private:
  WritingParts parts_;
  Caller caller_;
  std::string path_, id_;
  Below below_;
  bool begun_ = false;
};

// Is another server writing this folder or file, something below it, or removing something above it?
Result<bool> is_being_written(store::Session& session, const WritingParts& parts, const std::string& workspace,
                              const std::string& path);
// What this server left when it ended in the middle. Before its first Writing.
Result<void> forget_writing(const WritingParts& parts);

}  // namespace millrace::track
