// A table as it was: NAME@VERSION as files that an engine reads. NAME is a tracked path, a file within one, the name of
// one without its ending, or a dataset of the project; VERSION a tag, a branch, a snapshot, or a dataset's number.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "versions/history.h"
#include "versions/version_names.h"

namespace millrace::versions {

struct TableFiles {
  std::string relation;            // read_parquet(['...'])
  std::vector<std::string> files;  // that it reads
};

// A dataset's version by its number; not_found when there is no such dataset or version.
using FindDataset = std::function<Result<std::vector<DatasetFile>>(const std::string& name, int64_t version)>;

// The files are given out as they were when a version was made, compared with their digests. Not thread-safe.
class Tables {
 public:
  // `scratch` exists and is the caller's to remove; `blobs` is where the project's dataset versions lie, "" = nowhere.
  Tables(Workspace& workspace, std::string scratch, std::string blobs, FindDataset find_dataset)
      : workspace_(workspace),
        scratch_(std::move(scratch)),
        blobs_(std::move(blobs)),
        find_dataset_(std::move(find_dataset)) {}

  Result<TableFiles> find(const VersionName& name);
  // One stored file, called `name` when it was added.
  Result<TableFiles> of_file(const Entry& entry, const std::string& name);

 private:
  Result<TableFiles> of_dataset(const std::vector<DatasetFile>& files) const;
  Result<TableFiles> of_entry(const std::string& path, const Entry& entry);
  Result<std::string> place(const Entry& entry, const std::string& name);

  Workspace& workspace_;
  std::string scratch_, blobs_;
  FindDataset find_dataset_;
  int64_t number_ = 0;
};

bool is_table(const std::string& path);  // by its ending

}  // namespace millrace::versions
