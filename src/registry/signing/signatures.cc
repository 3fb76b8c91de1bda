#include "registry/signing/signatures.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/files.h"
#include "core/limits/exchange_limits.h"
#include "registry/models/package.h"
#include "registry/signing/statements.h"

namespace millrace::registry {
namespace {

Error not_signed(const std::string& node, const std::string& key_file, const PublicKey& key) {
  return Error{Code::rejected, fmt::format("{} is not signed by {} ({})", node, key_file, key.id().substr(0, 16))}.hint(
      "millrace model sign " + node.substr(6) + " --key FILE, with the private key that belongs to it");
}

Result<std::vector<Signature>> load_signatures(store::Session& session, const std::string& workspace,
                                               const std::string& model, int64_t version) {
  MILLRACE_TRY(const auto rows,
               session.query("SELECT key_id, bundle, subject, signed_at FROM model_signatures WHERE workspace = ? AND "
                             "model = ? AND version = ? ORDER BY signed_at, key_id",
                             {workspace, model, version}));
  std::vector<Signature> out;
  for (const auto& row : rows) out.push_back({row.text(0), row.text(1), row.text(2), row.integer(3)});
  return out;
}

std::string short_id(const std::string& key_id) { return key_id.substr(0, 16); }

}  // namespace

Json Signature::to_json() const {
  return {{"key_id", key_id}, {"bundle", bundle}, {"subject", subject}, {"signed_at", to_iso(signed_at)}};
}

Result<SignedModel> signed_files(const store::Blobs& blobs, const StoredVersion& stored) {
  const auto& version = stored.version;
  SignedModel out{.name = fmt::format("{}@{}", version.model, version.version)};
  if (version.source.empty()) {
    MILLRACE_TRY(const auto package, package_of(stored.files, stored.facts));
    for (const auto& file : package) out.files.push_back({file.path, file.digest.substr(7)});
  } else {
    MILLRACE_TRY(const auto recorded, recorded_files(blobs, version));
    for (const auto& file : recorded) out.files.push_back({file.path, file.digest.substr(7)});
  }
  if (out.files.empty())
    return Error{Code::rejected, fmt::format("the files of {} are not kept here", version.node())}.hint(
        "sign the folder where they are: millrace model sign FOLDER --key FILE --out FILE");
  std::sort(out.files.begin(), out.files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

Result<void> check_covers(const SignedModel& signed_model, const SignedModel& files) {
  if (signed_model.hash != "sha256" || signed_model.shard_size != 0)
    return Error{Code::unsupported, "the signature does not list whole files by SHA-256"};
  for (const auto& file : files.files) {
    const auto found = std::find_if(signed_model.files.begin(), signed_model.files.end(),
                                    [&](const SignedFile& each) { return each.name == file.name; });
    if (found == signed_model.files.end()) return Error{Code::rejected, fmt::format("'{}' was not signed", file.name)};
    if (found->digest != file.digest)
      return Error{Code::rejected, fmt::format("'{}' is not what was signed", file.name)};
  }
  if (signed_model.files.size() != files.files.size())
    return Error{Code::rejected, fmt::format("{} files were signed, the version has {}", signed_model.files.size(),
                                             files.files.size())};
  return {};
}

Result<StoredVersion> Signatures::stored(const std::string& workspace, const std::string& model,
                                         int64_t version) const {
  return read_one<StoredVersion>(
      parts_.database, [&](store::Session& session) { return get_stored(session, workspace, model, version); });
}

Result<SignedModel> Signatures::statement(const std::string& workspace, const std::string& model,
                                          int64_t version) const {
  MILLRACE_TRY(const auto found, stored(workspace, model, version));
  return signed_files(parts_.blobs, found);
}

Result<Json> Signatures::provenance(const std::string& workspace, const std::string& model, int64_t version) const {
  MILLRACE_TRY(const auto found, stored(workspace, model, version));
  MILLRACE_TRY(const auto files, signed_files(parts_.blobs, found));
  return provenance_of(found, files);
}

Result<Json> Signatures::bom(const std::string& workspace, const std::string& model, int64_t version,
                             const Json& card) const {
  MILLRACE_TRY(const auto found, stored(workspace, model, version));
  return bom_of(found, card);
}

Result<Signature> Signatures::add(const Caller& caller, const std::string& model, int64_t version,
                                  const std::string& bundle, const PublicKey& key) {
  if (!caller.has_role("writer") && !caller.has_role("approver"))
    return Error{Code::denied, fmt::format("{} may not keep signatures", caller.subject)}.hint(
        "it takes the role writer");
  MILLRACE_TRY(const auto files, statement(caller.workspace, model, version));
  MILLRACE_TRY(const auto covered, open_bundle(bundle, key));
  MILLRACE_DO(check_covers(covered, files));
  Signature out{.key_id = key.id(), .subject = caller.subject, .signed_at = parts_.context.now()};
  MILLRACE_TRY(out.bundle, parts_.blobs.put(bundle));
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto stored, get_stored(session, caller.workspace, model, version));
    MILLRACE_TRY(
        const auto rows,
        session.execute("INSERT INTO model_signatures (workspace, model, version, key_id, bundle, subject, signed_at) "
                        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (workspace, model, version, key_id) DO UPDATE SET "
                        "bundle = excluded.bundle, subject = excluded.subject, signed_at = excluded.signed_at",
                        {caller.workspace, model, version, out.key_id, out.bundle, out.subject, out.signed_at}));
    (void)rows;
    return lineage::Change{.kind = "model.signed",
                           .node = stored.version.node(),
                           .before = "",
                           .after = out.bundle,
                           .why = "",
                           .body = {{"model", model}, {"version", version}, {"key_id", out.key_id}}};
  }));
  (void)line;
  return out;
}

Result<Signature> Signatures::sign(const Caller& caller, const std::string& model, int64_t version,
                                   const PrivateKey& key) {
  MILLRACE_TRY(const auto files, statement(caller.workspace, model, version));
  MILLRACE_TRY(const auto bundle, sign_model(files, key));
  return add(caller, model, version, bundle, key.public_key());
}

Result<std::vector<Signature>> Signatures::list(const std::string& workspace, const std::string& model,
                                                int64_t version) const {
  std::vector<Signature> out;
  MILLRACE_DO(parts_.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto stored, get_stored(session, workspace, model, version));
    (void)stored;
    MILLRACE_TRY(out, load_signatures(session, workspace, model, version));
    return {};
  }));
  return out;
}

Result<std::string> Signatures::bundle(const std::string& digest) const {
  return parts_.blobs.get(digest, limits::signature_bytes);
}

Result<Signature> find_signature(store::Session& session, const store::Blobs& blobs, const std::string& workspace,
                                 const std::string& model, int64_t version, const PublicKey& key) {
  MILLRACE_TRY(const auto stored, get_stored(session, workspace, model, version));
  MILLRACE_TRY(const auto known, load_signatures(session, workspace, model, version));
  const auto node = stored.version.node();
  for (const auto& signature : known) {
    if (signature.key_id != key.id()) continue;
    MILLRACE_TRY(const auto text, blobs.get(signature.bundle, limits::signature_bytes));
    MILLRACE_TRY(const auto covered, open_bundle(text, key));
    MILLRACE_TRY(const auto files, signed_files(blobs, stored));
    if (auto covers = check_covers(covered, files); !covers)
      return std::move(covers).error().while_doing("comparing the signature of " + node);
    return signature;
  }
  return not_signed(node, "this key", key);
}

Result<Signature> Signatures::verify(const std::string& workspace, const std::string& model, int64_t version,
                                     const PublicKey& key) const {
  return read_one<Signature>(parts_.database, [&](store::Session& session) {
    return find_signature(session, parts_.blobs, workspace, model, version, key);
  });
}

std::string signature_file(const std::string& model_digest, const std::string& key_id) {
  return fmt::format("files/{}.{}.sig", model_digest.substr(7), short_id(key_id));
}

Result<void> install_signatures(const Parts& parts, const std::string& deployment, const ReleaseSnapshot& snapshot) {
  const Signatures signatures(parts);
  const std::string folder = parts.serving_folder + "/" + deployment;
  std::vector<const ReleasedModel*> arms{&snapshot.stable};
  if (snapshot.canary) arms.push_back(&*snapshot.canary);
  for (const auto& shadow : snapshot.shadows) arms.push_back(&shadow);
  for (const auto* arm : arms) {
    MILLRACE_TRY(const auto known, signatures.list(snapshot.workspace, arm->model, arm->version));
    for (const auto& signature : known) {
      MILLRACE_TRY(const auto text, signatures.bundle(signature.bundle));
      const auto file = folder + "/" + signature_file(arm->digest, signature.key_id);
      if (const auto there = read_file(file, limits::signature_bytes); there && *there == text) continue;
      MILLRACE_DO(make_folders(parent_of(file)));
      MILLRACE_DO(write_file(file, text));
    }
  }
  return {};
}

Result<void> check_arm_signed(const std::string& folder, const ReleasedModel& arm) {
  const auto trusted = fmt::format("{}/{}", folder, kTrustedKey);
  if (!exists(trusted)) return {};
  MILLRACE_TRY(const auto key, PublicKey::load(trusted));
  const auto file = folder + "/" + signature_file(arm.digest, key.id());
  const auto node = model_node(arm.model, arm.version);
  if (!exists(file)) return not_signed(node, "the key that the project trusts", key);
  MILLRACE_TRY(const auto bundle, read_file(file, limits::signature_bytes));
  auto covered = open_bundle(bundle, key);
  if (!covered) return std::move(covered).error().while_doing("verifying the signature of " + node);
  const auto holds = std::any_of(covered->files.begin(), covered->files.end(),
                                 [&](const SignedFile& each) { return "sha256:" + each.digest == arm.digest; });
  if (holds) return {};
  return Error{Code::rejected, fmt::format("the signature of {} is of other bytes", node)}
      .at({.file = file})
      .hint("millrace model sign " + node.substr(6) + " --key FILE");
}

}  // namespace millrace::registry
