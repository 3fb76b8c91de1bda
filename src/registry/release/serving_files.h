// STATE/serving/<deployment>: copies of what a release names, and the snapshot that the data plane reads.
#pragma once
#include "registry/records.h"

namespace millrace::registry {

std::string model_file(const std::string& model_digest);  // relative to the deployment's folder
std::string contract_file(const std::string& contract_digest);
Result<std::string> contract_blob(const std::string& contract_file);  // the way back: its digest

// Copies the blobs of every arm, checked byte by byte; what is there already is checked too. Durable when it returns.
Result<void> install_files(const Parts& parts, const std::string& deployment, const ReleaseSnapshot& snapshot);

// Writes the snapshot of the deployment's newest record, unless it is in place. Any number of threads may do this at
// once: each looks again after writing, so that the last one to write has seen the newest record. Answers whether a
// file was written.
Result<bool> put_newest_snapshot(const Parts& parts, const std::string& workspace, const std::string& deployment);

}  // namespace millrace::registry
