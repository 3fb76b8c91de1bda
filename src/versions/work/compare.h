// What differs between two trees: descends only where digests differ, so that a change in a large tree costs its path.
#pragma once
#include <functional>
#include <string>

#include "versions/objects/manifest.h"

namespace millrace::versions {

struct Difference {
  enum class Kind { added, removed, modified };
  Kind kind = Kind::modified;
  std::string path;     // relative to the tree; "" = the one file itself
  Entry before, after;  // that of the missing side is empty
};
std::string_view name_of(Difference::Kind kind);

using Differs = std::function<Result<void>(const Difference&)>;
// Files in order of path. Null = there is nothing on that side.
Result<void> compare(const Entry* before, const Entry* after, const Fetch& fetch, const Differs& differs);

// Every file of a tree in order of path, or the one file with path "".
Result<void> each_file(const Entry& top, const Fetch& fetch,
                       const std::function<Result<void>(const std::string& path, const Entry&)>& take);

}  // namespace millrace::versions
