// Adds objects to a store. Nothing is visible before it is durable: bytes are written to files in `incoming/`, flushed
// together, and renamed; so a file costs no flush of its own, and a writer that is killed leaves nothing half-written.
// Thread-safe but for finish(), which comes last.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "core/context.h"
#include "versions/objects/descriptor.h"
#include "versions/objects/objects.h"

namespace millrace::versions {

struct Written {
  int64_t objects = 0, bytes = 0;  // that the store did not hold before
};

class ObjectWriter {
 public:
  enum class Known { skipped, written_again };  // what the store holds already
  static Result<std::unique_ptr<ObjectWriter>> begin(const Objects& objects, Context& context,
                                                     Known known = Known::skipped);
  ~ObjectWriter();  // what finish() has not taken over is removed

  // Small objects; `digest` is that of the bytes.
  Result<void> put(const Digest& digest, std::string_view bytes);
  Result<void> put_manifest(const Digest& digest, std::string bytes);
  // A large file's bytes from an open descriptor to its end, hashed on the way. Shares blocks where the file system
  // can.
  Result<Digest> put_file(int from, const std::string& name);
  // A finished file of ours on the same file system becomes the large object that it is, its digest checked before.
  Result<void> adopt(const Digest& digest, const std::string& path);
  Result<Written> finish();
  bool has_made(const std::string& path) const { return made_.contains(path); }  // a file of the store

 private:
  struct Open;  // a pack that is being filled
  struct Pending {
    std::string from, to;
  };
  ObjectWriter(const Objects& objects, std::string folder, Known known);
  bool is_known(const Digest& digest) const { return known_ == Known::skipped && objects_.has(digest); }
  bool is_new(const Digest& digest, int64_t size);
  Result<void> append(const Digest& digest, std::string_view bytes);
  Result<void> end_pack();
  Result<bool> end_as_files();
  Result<void> commit();
  Result<void> publish(const std::vector<Pending>& pending);
  std::string next_name();

  const Objects& objects_;
  std::string folder_;
  Known known_;
  std::mutex mutex_;  // guards all below
  std::unordered_set<Digest, DigestHash> seen_;
  std::unique_ptr<Open> pack_;
  std::vector<std::pair<Digest, std::string>> manifests_;
  int64_t manifest_bytes_ = 0;
  std::unordered_set<std::string> made_;
  std::vector<Pending> pending_;
  int64_t pending_bytes_ = 0;
  int64_t names_ = 0;
  Written written_;
};

}  // namespace millrace::versions
