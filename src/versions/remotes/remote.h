// A store of the same layout somewhere else: a folder or a bucket. Objects and packs are named by content, so whatever
// is there under its name is what it should be, and a transfer that broke off goes on where it was.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "track/files/store.h"
#include "versions/history.h"

namespace millrace::versions {

struct Remote {
  std::shared_ptr<track::FileStore> files;
  std::string name;  // as people know it
};

struct Transfer {
  int64_t objects = 0, bytes = 0;            // that were sent or fetched
  int64_t files = 0;                         // requests that carried them
  int64_t there = 0;                         // objects that were on the other side already
  std::map<std::string, std::string> names;  // tags/v1 -> digest: that moved on the receiving side
};

struct TransferOptions {
  bool force = false;                                                                 // names may move anywhere
  std::function<void(int64_t done, int64_t all)> progress = [](int64_t, int64_t) {};  // bytes; from any thread
};

// What the tracked paths and all tags and branches need goes to the remote, then the names.
Result<Transfer> push(Workspace& workspace, const Remote& remote, const TransferOptions& options);
// What millrace-data.yaml names and all tags and branches of the remote need comes here, each object compared with its
// digest, then the names. `corrupt` names what the remote gave out wrong.
Result<Transfer> pull(Workspace& workspace, const Remote& remote, const TransferOptions& options);

}  // namespace millrace::versions
