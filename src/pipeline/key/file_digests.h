// Digests of files, remembered in the store for large ones by path, time of change, size and inode.
// Thread-safe. What it remembers is a cache: losing it costs time only.
#pragma once
#include <string>

#include "core/caller.h"
#include "core/context.h"
#include "lineage/journal.h"
#include "store/database.h"

namespace millrace::pipeline {

class FileDigests {
 public:
  FileDigests(store::Database& database, lineage::Journal& journal, Context& context)
      : database_(database), journal_(journal), context_(context) {}

  // A file that changed within the last seconds is read again each time: its clock may be too coarse to show the next
  // change.
  Result<std::string> digest(const Caller& caller, const std::string& path);

 private:
  store::Database& database_;
  lineage::Journal& journal_;
  Context& context_;
};

}  // namespace millrace::pipeline
