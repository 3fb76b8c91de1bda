// Artifacts in a bucket of Amazon S3 or of a server that speaks its protocol, through Arrow's file systems. Nothing is
// loaded and nothing is asked of the network before the first use.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "core/clock.h"
#include "engine/s3.h"
#include "track/files/sign.h"
#include "track/files/store.h"

namespace millrace::track {

using engine::read_s3_uri;
using engine::S3Place;

struct S3Options {
  S3Place place;
  std::optional<S3Key> key;    // to sign addresses with; else presigns() is false. Arrow finds its own the usual ways
  std::string library_folder;  // where libarrow_s3.so is
};
std::unique_ptr<FileStore> open_s3_files(S3Options options, Clock& clock);

// Ends what the first use has started. Call once, at the end of the process, when no store is left.
void close_s3();

}  // namespace millrace::track
