// Makes a path on disk what an entry says. Bytes are compared with their digest on the way out; what is corrupt is
// named and not given out. A new folder is built beside its place and renamed, a file in a folder that is there is
// written beside and renamed: whoever kills a checkout leaves old files and new ones, never a part of one.
#pragma once
#include <string>

#include "versions/objects/objects.h"
#include "versions/work/index.h"

namespace millrace::versions {

// copy: a file's blocks are shared where the file system shares them until one side is written to, else copied; nothing
// that is done to the file reaches the store. link: large files are read-only hard links to the store's own: no
// copying, but who makes one writable, writes into the store; that is noticed before the object is used again.
enum class Giving { copy, link };

struct CheckoutOptions {
  Giving giving = Giving::copy;
  bool force = false;  // changed files may be lost
};

struct CheckedOut {
  Index index;
  int64_t written = 0, removed = 0, kept = 0;  // files
};

// `before` is the index of the path, if there is one. `conflict` names files whose bytes are not in the store and would
// be lost, and nothing is changed.
Result<CheckedOut> checkout(const Objects& objects, const std::string& path, const Entry& want, const Index* before,
                            const CheckoutOptions& options);

// Writes one file to a path that does not exist yet: durable no, checked yes.
Result<Stamp> write_out(const Objects& objects, const Entry& file, const std::string& path, Giving giving);

}  // namespace millrace::versions
