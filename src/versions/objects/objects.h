// Content by its digest: `objects/ab/...` for large objects, packs for small ones. Written once, read-only, compared
// with its digest each time it is read.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.h"
#include "versions/objects/digest.h"
#include "versions/objects/pack.h"

namespace millrace::versions {

// Large objects carry this time of change; one that carries another was written to through a link.
inline constexpr int64_t kSealedSeconds = 1'000'000'000;

// Thread-safe for reading.
class Objects {
 public:
  // `folder` is made when missing; what a killed writer left half-way there stays invisible.
  static Result<Objects> open(const std::string& folder);

  const std::string& folder() const { return folder_; }
  std::string loose_path(const Digest& digest) const;
  std::string packs_folder() const { return folder_ + "/packs"; }
  std::string incoming_folder() const { return folder_ + "/incoming"; }

  bool has(const Digest& digest) const { return find_packed(digest).first != nullptr || has_loose(digest); }
  bool has_loose(const Digest& digest) const;
  // The pack that holds it, and where; nulls when none does.
  std::pair<const Pack*, const PackEntry*> find_packed(const Digest& digest) const;
  const std::vector<std::unique_ptr<Pack>>& packs() const { return packs_; }
  // Every object that is a file of its own, with its size.
  Result<void> each_loose(const std::function<Result<void>(const Digest&, int64_t size)>& take) const;

  // `not_found`; `corrupt` with the path; `too_large` over `limit`.
  Result<std::string> read(const Digest& digest, size_t limit) const;
  // In pieces. What was taken before a `corrupt` must be thrown away.
  Result<void> stream(const Digest& digest, const std::function<Result<void>(std::string_view)>& take) const;
  Result<void> verify(const Digest& digest) const;
  Result<void> reload();  // looks for packs that came since

 private:
  explicit Objects(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
  std::vector<std::unique_ptr<Pack>> packs_;
};

Error no_object(const Digest& digest);
Error damaged_object(const Digest& digest, const std::string& path);

}  // namespace millrace::versions
