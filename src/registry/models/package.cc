#include "registry/models/package.h"

#include <fmt/format.h>

#include "core/files.h"
#include "core/hash.h"

namespace millrace::registry {
namespace {

constexpr size_t kManifestBytes = 64 << 20;

// A name in YAML, as JSON writes it: every JSON text is YAML.
std::string quoted(const std::string& text) { return to_text(Json(text)); }

std::string mlmodel_of(const std::string& file) {
  return fmt::format(
      "flavors:\n  onnx:\n    data: {0}\n    providers: [CPUExecutionProvider]\n  python_function:\n    data: {0}\n"
      "    loader_module: mlflow.onnx\n",
      quoted(file));
}

PackedFile text_file(std::string path, std::string text) {
  return {.path = std::move(path), .digest = digest_of(text), .size = static_cast<int64_t>(text.size()), .text = text};
}

}  // namespace

Result<std::vector<PackedFile>> package_of(const Json& files, const Json& facts) {
  std::vector<PackedFile> out;
  const auto* model = find(facts, "model");
  const auto digest = string_or(files, "model", "");
  if (model == nullptr || digest.empty()) return out;
  const auto path = string_or(*model, "path", "model");
  const auto name = path.substr(path.rfind('/') + 1);
  out.push_back({.path = name, .digest = digest, .size = integer_or(*model, "size", 0), .text = {}});
  if (name.ends_with(".onnx")) out.push_back(text_file("MLmodel", mlmodel_of(name)));
  return out;
}

Result<std::string> package_digest(const Json& files, const Json& facts) {
  MILLRACE_TRY(const auto package, package_of(files, facts));
  if (package.empty()) return std::string();
  std::vector<TreeEntry> tree;
  for (const auto& file : package) tree.push_back({file.path, file.size, file.digest});
  return digest_of_tree(std::move(tree));
}

Result<std::vector<TreeEntry>> recorded_files(const store::Blobs& blobs, const ModelVersion& version) {
  std::vector<TreeEntry> out;
  if (version.source.empty() || version.content.empty()) return out;
  MILLRACE_TRY(const auto text, blobs.get(version.content, kManifestBytes));
  MILLRACE_TRY(const auto files, parse_json(text, "a manifest"));
  for (const auto& file : files)
    out.push_back({string_or(file, "path", ""), integer_or(file, "size", 0), string_or(file, "digest", "")});
  return out;
}

std::string package_path(const ModelVersion& version) {
  return fmt::format("registered/{}/{}", version.model, version.version);
}

Result<void> install_package(const Parts& parts, const std::string& workspace, const StoredVersion& stored) {
  MILLRACE_TRY(const auto package, package_of(stored.files, stored.facts));
  if (package.empty())
    return Error{Code::rejected, fmt::format("the files of {} are not kept here", stored.version.node())};
  const auto& artifacts = parts.tracking.artifacts();
  for (const auto& file : package) {
    const auto path = package_path(stored.version) + "/" + file.path;
    if (const auto there = artifacts.find(workspace, path)) continue;
    if (!file.text.empty()) {
      MILLRACE_TRY(const auto put, artifacts.put_text(workspace, path, file.text));
      (void)put;
      continue;
    }
    MILLRACE_DO(parts.blobs.verify(file.digest));
    MILLRACE_TRY(const auto blob, parts.blobs.path_of(file.digest));
    const auto copy = fmt::format("{}/{}", parts.temp_folder, parts.context.uuid());
    MILLRACE_DO(copy_file(blob, copy));
    MILLRACE_TRY(const auto put, artifacts.put(workspace, path, copy));
    (void)put;
  }
  return {};
}

}  // namespace millrace::registry
