// The signatures of model versions: made elsewhere or here, kept as blobs, compared with what a version stands on.
#pragma once
#include <string>
#include <vector>

#include "core/caller.h"
#include "registry/records.h"
#include "registry/signing/bundle.h"

namespace millrace::registry {

struct Signature {
  std::string key_id, bundle, subject;  // bundle: digest of its blob
  Micros signed_at = 0;
  Json to_json() const;
};

// The files of a version as a signature lists them: what clients download. Of a version that a client made they are
// those that were there when it was registered.
Result<SignedModel> signed_files(const store::Blobs& blobs, const StoredVersion& stored);

// Does the bundle cover exactly these files? `rejected` names what differs.
Result<void> check_covers(const SignedModel& signed_model, const SignedModel& files);

// The signature of this key that a version has, in a transaction; `rejected` with the reason when none holds.
Result<Signature> find_signature(store::Session& session, const store::Blobs& blobs, const std::string& workspace,
                                 const std::string& model, int64_t version, const PublicKey& key);

// What it needs; all outlive it.
struct SignatureParts {
  store::Database& database;
  store::Blobs& blobs;
  lineage::Journal& journal;
  Context& context;
};

// Thread-safe.
class Signatures {
 public:
  explicit Signatures(SignatureParts parts) : parts_(parts) {}
  explicit Signatures(const Parts& parts)
      : Signatures(SignatureParts{parts.database, parts.blobs, parts.journal, parts.context}) {}

  // What is to be signed of a version.
  Result<SignedModel> statement(const std::string& workspace, const std::string& model, int64_t version) const;
  // Keeps a signature that `key` made of exactly the version's files; one of the same key is replaced. Takes the role
  // writer. Registry::reconcile() puts it beside the files of a release.
  Result<Signature> add(const Caller& caller, const std::string& model, int64_t version, const std::string& bundle,
                        const PublicKey& key);
  Result<Signature> sign(const Caller& caller, const std::string& model, int64_t version, const PrivateKey& key);
  Result<std::vector<Signature>> list(const std::string& workspace, const std::string& model, int64_t version) const;
  Result<std::string> bundle(const std::string& digest) const;
  // Is there a signature of this key that holds? `rejected` with the reason when not.
  Result<Signature> verify(const std::string& workspace, const std::string& model, int64_t version,
                           const PublicKey& key) const;

  // What others read of a version (statements.h). `card`: what people wrote of the model, or null.
  Result<Json> provenance(const std::string& workspace, const std::string& model, int64_t version) const;
  Result<Json> bom(const std::string& workspace, const std::string& model, int64_t version, const Json& card) const;

 private:
  Result<StoredVersion> stored(const std::string& workspace, const std::string& model, int64_t version) const;

  SignatureParts parts_;
};

// models.NAME.signed_by, or registry.signed_by for models that say nothing of their own: the absolute path of the
// public key without whose signature no version is loaded, and no alias or active stage stands for one; "" = none.
// models.NAME.sign_with: a private key (a secret) that signs every new version.
Result<std::string> read_signed_by(const Project& project, const std::string& model);
Result<std::optional<PrivateKey>> read_sign_with(const Project& project, const std::string& model);
// May clients load this version by a name? `rejected` when the project asks for a signature that it does not have.
// Without a project nothing is asked for.
Result<void> check_signed(store::Session& session, const store::Blobs& blobs, const Project* project,
                          const std::string& workspace, const std::string& model, int64_t version);
// Signs with the model's sign_with what it has not signed yet. A version that was made before its signing failed is
// signed when it is registered again.
Result<void> sign_if_missing(const Parts& parts, const Caller& caller, const Project& project, const std::string& model,
                             int64_t version);
// Are the two as they must be? The secret is not read.
Result<void> check_signing(const Project& project, const Yaml& model);

// Beside the files of a deployment's arms: files/<hex of the model's digest>.<hex of the key>.sig
std::string signature_file(const std::string& model_digest, const std::string& key_id);
Result<void> install_signatures(const Parts& parts, const std::string& deployment, const ReleaseSnapshot& snapshot);
// The key that a deployment's arms must be signed with, where its project asks for one.
inline constexpr std::string_view kTrustedKey = "signed_by.pem";
// Writes or removes that file for every deployment of the project.
Result<void> install_trust(const Project& project, const std::string& serving_folder);
// For who loads an arm of `folder`: where there is a trusted key, is the arm's file, of the digest that the snapshot
// names, signed with it? `rejected` says why not. Asks the folder only.
Result<void> check_arm_signed(const std::string& folder, const ReleasedModel& arm);

}  // namespace millrace::registry
