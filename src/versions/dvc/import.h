// What a DVC project tracks becomes tracked here. Content is taken from where its MD5 still holds: the files
// themselves, or DVC's cache.
#pragma once
#include "versions/dvc/project.h"
#include "versions/operations.h"

namespace millrace::versions::dvc {

struct Imported {
  std::vector<AddedPath> paths;
  std::vector<Out> missing;  // whose content is neither in its place nor in the cache
  std::vector<Out> of_git;   // that DVC itself does not keep
  std::optional<Snapshot> snapshot;
};
Result<Imported> import(Workspace& workspace, const Project& project, const Why& why);

}  // namespace millrace::versions::dvc
