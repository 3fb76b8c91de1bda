// Where a state folder's blobs lie: in it, or in a folder that several servers share.
#pragma once
#include <string>

#include "core/result.h"

namespace millrace {

// The folder of the blobs; `shared` "" = as the last time, at first STATE/blobs. A shared one is remembered by the link
// STATE/blobs, so that everything that looks into the state folder finds it. `conflict` when the state folder has blobs
// of its own.
struct BlobPlace {
  std::string folder;
  bool shared = false;
};
Result<BlobPlace> blob_place(const std::string& state, const std::string& shared);

}  // namespace millrace
