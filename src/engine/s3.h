// Where a bucket is, and how Arrow reaches it. Nothing is loaded and nothing is asked of the network before the first
// use.
#pragma once
#include <arrow/result.h>
#include <arrow/type_fwd.h>

#include <memory>
#include <string>

#include "core/result.h"

namespace arrow::fs {
class FileSystem;
}

namespace millrace::engine {

// s3://BUCKET[/PREFIX][?endpoint_override=HOST:PORT&scheme=http&region=REGION]
struct S3Place {
  std::string bucket, prefix;  // prefix without slashes at its ends
  std::string endpoint;        // HOST[:PORT], "" = Amazon's
  std::string scheme = "https";
  std::string region;       // "" = not said
  std::string uri() const;  // without what only we need to know: s3://BUCKET/PREFIX
};
// `invalid` for credentials in it: they come from the environment, where no log and no client sees them.
Result<S3Place> read_s3_uri(const std::string& uri);

// The file system in which the bucket is the first folder. `library_folder` is where libarrow_s3.so is; a process loads
// it once. Credentials are found in the usual ways (AWS_ACCESS_KEY_ID ..., profiles, the machine's role).
arrow::Result<std::shared_ptr<arrow::fs::FileSystem>> connect_s3(const S3Place& place,
                                                                 const std::string& library_folder);

}  // namespace millrace::engine
