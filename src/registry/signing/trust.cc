// What a project says of signatures, and where the data plane finds it.
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "core/files.h"
#include "registry/signing/signatures.h"

namespace millrace::registry {
namespace {

const Yaml* value_of(const Project& project, const std::string& model, std::string_view key) {
  const auto* models = project.section("models");
  const auto* node = models != nullptr ? models->find(model) : nullptr;
  return node != nullptr ? node->find(key) : nullptr;
}

Result<std::string> key_file(const Project& project, const Yaml& value) {
  MILLRACE_TRY(auto path, project.path(value));
  if (auto good = PublicKey::load(path); !good) return value.error(good.error().message()).hint(good.error().hint());
  return path;
}

}  // namespace

Result<std::string> read_signed_by(const Project& project, const std::string& model) {
  const auto* value = value_of(project, model, "signed_by");
  const auto* all = project.section("registry");
  if (value == nullptr && all != nullptr) value = all->find("signed_by");
  if (value == nullptr) return std::string();
  return key_file(project, *value);
}

Result<std::optional<PrivateKey>> read_sign_with(const Project& project, const std::string& model) {
  const auto* value = value_of(project, model, "sign_with");
  if (value == nullptr) return std::optional<PrivateKey>();
  MILLRACE_TRY(const auto pem, resolve_secret(project, *value));
  auto key = PrivateKey::parse(pem);
  if (!key) return value->error(key.error().message()).hint("write e.g. sign_with: ${file:keys/release.pem}");
  return std::optional(std::move(*key));
}

Result<void> check_signed(store::Session& session, const store::Blobs& blobs, const Project* project,
                          const std::string& workspace, const std::string& model, int64_t version) {
  if (project == nullptr) return {};
  MILLRACE_TRY(const auto file, read_signed_by(*project, model));
  if (file.empty()) return {};
  MILLRACE_TRY(const auto stored, get_stored(session, workspace, model, version));
  if (is_prompt_source(stored.version.source)) return {};
  MILLRACE_TRY(const auto key, PublicKey::load(file));
  auto found = find_signature(session, blobs, workspace, model, version, key);
  if (!found)
    return std::move(found).error().while_doing("asking for the signature that the project wants of every name");
  return {};
}

Result<void> sign_if_missing(const Parts& parts, const Caller& caller, const Project& project, const std::string& model,
                             int64_t version) {
  const auto doing = fmt::format("{} is registered; signing it", model_node(model, version));
  const auto key = read_sign_with(project, model);
  if (!key) return Error(key.error()).while_doing(doing);
  if (!*key) return {};
  Signatures signatures(parts);
  if (signatures.verify(caller.workspace, model, version, (*key)->public_key())) return {};
  auto done = signatures.sign(caller, model, version, **key);
  if (!done) return std::move(done).error().while_doing(doing);
  return {};
}

Result<void> check_signing(const Project& project, const Yaml& model) {
  if (const auto* value = model.find("signed_by")) {
    MILLRACE_TRY(const auto file, key_file(project, *value));
    (void)file;
  }
  const auto* value = model.find("sign_with");
  if (value != nullptr && !value->text().starts_with("${"))
    return value->error("a private key does not stand in the project file")
        .hint("write e.g. sign_with: ${file:keys/release.pem}, or ${env:NAME}");
  return {};
}

Result<void> install_trust(const Project& project, const std::string& serving_folder) {
  const auto deployments = read_deployments(project);
  if (!deployments) return {};  // whoever moves traffic is told; until then what was trusted stays
  for (const auto& deployment : *deployments) {
    MILLRACE_TRY(const auto key, read_signed_by(project, deployment.model));
    const auto folder = serving_folder + "/" + deployment.name;
    const auto file = folder + "/" + std::string(kTrustedKey);
    if (key.empty()) {
      if (::unlink(file.c_str()) != 0 && errno != ENOENT) return file_error("cannot remove", file, errno);
      continue;
    }
    MILLRACE_TRY(const auto trusted, PublicKey::load(key));
    MILLRACE_DO(make_folders(folder));
    MILLRACE_DO(write_file(file, trusted.pem()));
  }
  return {};
}

}  // namespace millrace::registry
