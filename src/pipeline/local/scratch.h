// The folder that one run of a stage has to itself: WORK/<id>/files holds the declared deps and nothing else,
// beside it stand a private home, a folder for temporary files and the runner's own notes.
#pragma once
#include <string>
#include <vector>

#include "core/json.h"
#include "pipeline/pipeline.h"
#include "store/blobs.h"

namespace millrace::pipeline {

// A file that a run left for a declared out.
struct MadeFile {
  std::string path;  // as declared
  std::string file;  // absolute
  int64_t size = 0;
};
struct Made {
  std::vector<MadeFile> outs;
  int64_t undeclared = 0;
  Json columns;  // of SQL: what each column of the out comes from (columns/read_columns.h); null when not known
};

// Removed with all its content when it goes out of scope. Not thread-safe.
class Scratch {
 public:
  static Result<Scratch> make(const std::string& work_folder, const std::string& id);
  Scratch(Scratch&& other) noexcept : folder_(std::exchange(other.folder_, "")), deps_(std::move(other.deps_)) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch();

  const std::string& folder() const { return folder_; }
  std::string files() const { return folder_ + "/files"; }
  std::string home() const { return folder_ + "/home"; }
  std::string temp() const { return folder_ + "/tmp"; }

  // Code at its own path, outs of stages below STAGE/, datasets as DATASET/1.parquet, 2, ... in order of the
  // components. `corrupt` when a stored file is not what it was.
  Result<void> fill(const store::Blobs& blobs, const Json& components);

  // What the run left. A declared out that is missing, no plain file or behind a link is an error with a hint.
  Result<Made> collect(const std::vector<std::string>& outs) const;

 private:
  explicit Scratch(std::string folder) : folder_(std::move(folder)) {}
  Result<void> place(const store::Blobs& blobs, const std::string& path, const std::string& digest, unsigned mode);

  std::string folder_;
  std::vector<std::string> deps_;
};

// Removes all that dead runs left.
Result<void> clear_work_folder(const std::string& work_folder);

}  // namespace millrace::pipeline
