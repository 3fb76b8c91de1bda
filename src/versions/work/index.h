// What is known of a tracked path on disk, kept between commands: the scan of the last time. It is a memory, not a
// truth: a damaged or missing one costs the reading of all files, nothing else.
#pragma once
#include <optional>
#include <string>

#include "versions/work/scan.h"

namespace millrace::versions {

struct Index {
  Entry top;  // what was added or checked out: kind, digest, size, files
  Scan scan;
};

// Files that a checkout wrote are not flushed. After a crash of the machine they may be others than the index says, so
// such an index is trusted only until the machine starts anew.
enum class Flushed { no, yes };

// Durable when it returns.
Result<void> write_index(const std::string& file, const Index& index, Flushed flushed);
// Nothing when there is none, or none that can be trusted.
std::optional<Index> read_index(const std::string& file);

}  // namespace millrace::versions
