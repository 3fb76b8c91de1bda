#include "registry/release/serving_files.h"

#include <filesystem>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/files.h"
#include "core/hash.h"
#include "registry/signing/signatures.h"

namespace millrace::registry {
namespace {

constexpr int kTries = 100;

Result<void> move_into_place(const std::string& from, const std::string& to) {
  std::error_code failed;
  std::filesystem::rename(from, to, failed);
  if (failed) return file_error("renaming a file into place", to, failed.value());
  return flush_folder(parent_of(to));
}

Result<bool> holds(const std::string& path, const std::string& digest) {
  if (!exists(path)) return false;
  MILLRACE_TRY(const auto found, digest_of_file(path));
  return found == digest;
}

Result<void> install(const Parts& parts, const std::string& folder, const std::string& file,
                     const std::string& digest) {
  const std::string to = folder + "/" + file;
  MILLRACE_TRY(const auto there, holds(to, digest));
  if (there) return {};
  MILLRACE_DO(parts.blobs.verify(digest));
  MILLRACE_TRY(const auto from, parts.blobs.path_of(digest));
  MILLRACE_DO(make_folders(parent_of(to)));
  const std::string beside = fmt::format("{}.{}.new", to, parts.context.uuid());
  MILLRACE_DO(copy_file(from, beside));
  MILLRACE_DO(flush_file(beside));
  MILLRACE_TRY(const auto copied, holds(beside, digest));
  if (!copied)
    return Error{Code::corrupt, "the copy of a released file is not what was copied"}
        .at({.file = beside})
        .hint("look at the disk");
  return move_into_place(beside, to);
}

Result<std::optional<StoredRelease>> newest(const Parts& parts, const std::string& workspace,
                                            const std::string& deployment) {
  return read_one<std::optional<StoredRelease>>(
      parts.database, [&](store::Session& session) { return newest_release(session, workspace, deployment); });
}

std::vector<const ReleasedModel*> arms_of(const ReleaseSnapshot& snapshot) {
  std::vector<const ReleasedModel*> out{&snapshot.stable};
  if (snapshot.canary) out.push_back(&*snapshot.canary);
  for (const auto& shadow : snapshot.shadows) out.push_back(&shadow);
  return out;
}

// A snapshot that is missing, damaged, older or of another text is written again. Bytes of files are checked by whoever
// loads them.
bool in_place(const std::string& folder, const ReleaseSnapshot& wanted) {
  for (const auto* arm : arms_of(wanted))
    if (!exists(folder + "/" + arm->file) || !exists(folder + "/" + arm->contract)) return false;
  const auto found = load_snapshot(folder + "/current.json");
  return found && registry::to_json(*found) == registry::to_json(wanted);
}

}  // namespace

std::string model_file(const std::string& model_digest) { return "files/" + model_digest.substr(7) + ".onnx"; }
std::string contract_file(const std::string& contract_digest) {
  return "files/" + contract_digest.substr(7) + ".odcs.yaml";
}

Result<std::string> contract_blob(const std::string& contract_file) {
  const std::string digest = "sha256:" + std::filesystem::path(contract_file).filename().string().substr(0, 64);
  if (is_digest(digest) && registry::contract_file(digest) == contract_file) return digest;
  return Error{Code::corrupt, fmt::format("'{}' is not where a release keeps its contract", contract_file)};
}

Result<void> install_files(const Parts& parts, const std::string& deployment, const ReleaseSnapshot& snapshot) {
  const std::string folder = parts.serving_folder + "/" + deployment;
  for (const auto* arm : arms_of(snapshot)) {
    MILLRACE_TRY(const auto contract, contract_blob(arm->contract));
    MILLRACE_DO(install(parts, folder, arm->file, arm->digest));
    MILLRACE_DO(install(parts, folder, arm->contract, contract));
  }
  return install_signatures(parts, deployment, snapshot);
}

Result<bool> put_newest_snapshot(const Parts& parts, const std::string& workspace, const std::string& deployment) {
  const std::string folder = parts.serving_folder + "/" + deployment;
  bool written = false;
  for (int tried = 0; tried < kTries; ++tried) {
    MILLRACE_TRY(const auto stored, newest(parts, workspace, deployment));
    if (!stored) return written;
    MILLRACE_TRY(const auto snapshot, parse_snapshot(stored->snapshot, stored->release.node()));
    if (in_place(folder, snapshot)) {
      MILLRACE_DO(install_signatures(parts, deployment, snapshot));
      return written;
    }
    MILLRACE_DO(install_files(parts, deployment, snapshot));
    FAULT_POINT("registry.release.before_snapshot");
    MILLRACE_DO(store_snapshot(folder, snapshot));
    written = true;
  }
  return Error{Code::conflict, fmt::format("the deployment '{}' was released again and again meanwhile", deployment)}
      .hint("look at it with: millrace release list " + deployment);
}

}  // namespace millrace::registry
