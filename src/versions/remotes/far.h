// What a remote holds, by digest: the lists of its packs are kept here once they have been read; loose objects are
// asked for one by one.
#pragma once
#include <map>
#include <mutex>

#include "versions/remotes/remote.h"

namespace millrace::versions {

class Far {
 public:
  // Reads the names of the remote's packs and the lists that are new.
  static Result<Far> open(Workspace& workspace, const Remote& remote);

  std::pair<const Pack*, const PackEntry*> find_packed(const Digest& digest) const;
  Result<bool> has_loose(const Digest& digest) const;
  const track::FileStore& files() const { return *remote_.files; }

  // Bytes as they come, not yet compared with anything.
  Result<std::string> read(const Digest& digest, size_t limit) const;
  Result<void> download(const std::string& key, const std::string& to) const;
  // `local` stays where it is.
  Result<void> upload(const std::string& local, const std::string& key, const std::string& scratch) const;

  Result<std::map<std::string, Digest>> names(const std::string& kind) const;
  Result<void> set_name(const std::string& kind, const std::string& name, const Digest& digest,
                        const std::string& scratch) const;

  static std::string loose_key(const Digest& digest);

 private:
  Far(const Remote& remote) : remote_(remote) {}
  Result<std::string> read_key(const std::string& key, size_t limit, track::Span span) const;
  Remote remote_;
  std::vector<std::unique_ptr<Pack>> packs_;
};

}  // namespace millrace::versions
