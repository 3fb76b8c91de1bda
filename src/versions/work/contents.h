// Reading the files of a scan: hashing them, and keeping them in a store.
#pragma once
#include "versions/objects/object_writer.h"
#include "versions/work/index.h"
#include "versions/work/scan.h"

namespace millrace::versions {

// The digests of `which`, in parallel; stamps are those of the bytes that were hashed. `conflict` for a file that
// changes all the time, with its path.
Result<void> hash_files(Scan& scan, const ScanTarget& target, const std::vector<size_t>& which);
// The same, and their bytes go to the store.
Result<void> keep_files(Scan& scan, const ScanTarget& target, const std::vector<size_t>& which, ObjectWriter& writer);

struct Captured {
  Index index;  // what lies there now
  Written written;
  int64_t read_files = 0;  // whose stamps had changed
};
// Brings what lies at the target into the store: files that changed since `before` are read, the others are not.
Result<Captured> capture(const Objects& objects, Context& context, const ScanTarget& target, const Index* before);

}  // namespace millrace::versions
