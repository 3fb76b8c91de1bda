// A version that the pipeline made, as the folder of files that MLflow's clients load: the model, its contract, and for
// ONNX an MLmodel file that says how mlflow.pyfunc and mlflow.onnx read it. It follows from the version alone, so its
// digest is known before anything is written.
#pragma once
#include "core/hash.h"
#include "registry/records.h"

namespace millrace::registry {

struct PackedFile {
  std::string path, digest;
  int64_t size = 0;
  std::string text;  // the file's bytes; "" = the blob of that digest
};
// Of StoredVersion::files and facts.
Result<std::vector<PackedFile>> package_of(const Json& files, const Json& facts);
Result<std::string> package_digest(const Json& files, const Json& facts);  // of its manifest; "" without a model
// The files of a version that a client made, as they were when it was registered; nothing when they are not kept here.
Result<std::vector<TreeEntry>> recorded_files(const store::Blobs& blobs, const ModelVersion& version);
// Where it lies below the artifacts: registered/MODEL/VERSION. Clients cannot write there.
std::string package_path(const ModelVersion& version);
// Puts what is missing there.
Result<void> install_package(const Parts& parts, const std::string& workspace, const StoredVersion& stored);

}  // namespace millrace::registry
