// Where a state folder's artifacts are: what `up` was told, or what it was told the last time.
#pragma once
#include <string>

#include "core/context.h"
#include "track/tracking.h"

namespace millrace {

struct ArtifactOptions {
  std::string proxy;    // a folder or s3://...: where the proxy keeps them; "" = as the last time, else STATE/artifacts
  bool shared = false;  // other servers may have the same rows: parts of uploads lie where they find them
  std::string root;     // what new experiments' artifacts lie below; "" = as the last time, else mlflow-artifacts:/
};
// A folder (made when missing) or a bucket, for whoever keeps files of other kinds there.
Result<std::unique_ptr<track::FileStore>> open_file_place(const std::string& place, Context& context);

// Notes what was told in STATE/artifacts.json: commands without a server need it too. It holds no secret.
Result<track::ArtifactPlaces> open_artifact_places(const std::string& state, const ArtifactOptions& options,
                                                   Context& context);

}  // namespace millrace
