// Where the bytes of artifacts lie: a local folder or a bucket, behind one interface. One conformance test runs over
// all. Thread-safe. A reader sees an old file or a new one, never a part; what put() has answered is durable.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/reader.h"
#include "core/result.h"
#include "store/blobs.h"
#include "track/entities.h"
#include "track/files/path.h"

namespace millrace::track {

// One state of one file. `stamp` is another one whenever the bytes may be others.
struct FileState {
  int64_t size = 0;
  std::string stamp;
};

struct OpenFile {
  FileState state;
  std::unique_ptr<Reader> reader;  // reads this state to its end, or fails when the file was replaced meanwhile
};

// From the first byte on: `length` bytes, fewer where the file ends; -1 = to its end.
struct Span {
  int64_t offset = 0;
  int64_t length = -1;
};

enum class Presign { get, put };
using store::Leftovers;

class FileStore {
 public:
  virtual ~FileStore() = default;
  // Takes the bytes of a local file, moved where that is possible: it may be gone afterwards. Answers the state of
  // these bytes, also when others write the same path. `digest` is theirs.
  virtual Result<FileState> put(const ArtifactPath& at, const std::string& local_file, const std::string& digest) = 0;
  // `not_found`, or `invalid` when it is no file.
  virtual Result<FileState> find(const ArtifactPath& at) const = 0;
  // An offset beyond the end reads nothing.
  virtual Result<OpenFile> open(const ArtifactPath& at, Span span) const = 0;
  // What lies directly in a folder, sorted by name; nothing for a file or what does not exist.
  virtual Result<std::vector<FileInfo>> list(const ArtifactPath& folder) const = 0;
  // A file, or a folder with all that is in it; `not_found`. Repeating it after it broke off goes on.
  virtual Result<void> remove(const ArtifactPath& at) = 0;
  // The file's own path, for a reader that needs one; `unsupported` where files do not lie on this machine.
  virtual Result<std::string> local_file(const ArtifactPath& at) const = 0;
  // Files that writers which died left half-way, none of them touched since `before`: how many. What belongs to the
  // bucket's own rules (uploads in parts that nobody ended) is not among them.
  virtual Result<int64_t> leftovers(Micros before, Leftovers what) = 0;
  // Can it give addresses that need no other login?
  virtual bool presigns() const = 0;
  // An address that is good for one file and one way of using it for `seconds` from now; else `unsupported`.
  virtual Result<std::string> presign(const ArtifactPath& at, Presign what, int64_t seconds) const = 0;
};

// Links in the folder are not followed. The folder is made when something is put.
std::unique_ptr<FileStore> open_local_files(std::string folder);

}  // namespace millrace::track
