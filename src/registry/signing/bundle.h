// Signatures of models as OpenSSF Model Signing 1.0 has them (https://github.com/ossf/model-signing-spec): a detached
// Sigstore bundle in JSON with a DSSE envelope over an in-toto statement that lists every file with its digest. Method
// `key` only.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "registry/signing/keys.h"

namespace millrace::registry {

// A file of the model, or a part of one where the statement lists parts.
struct SignedFile {
  std::string name;    // relative to the model, with '/'
  std::string digest;  // hexadecimal
};

struct SignedModel {
  std::string name;
  std::vector<SignedFile> files;     // each once; with `shard_size` a name is PATH:START:END
  std::string hash = "sha256";       // or blake2b
  int64_t shard_size = 0;            // 0 = whole files
  std::vector<std::string> ignored;  // paths of the model's folder that are not part of it
};

// `invalid` for no files or a name that leaves the model.
Result<std::string> sign_model(const SignedModel& model, const PrivateKey& key);

// What the signature covers. `rejected` when it is not this key's or does not fit the bytes, `invalid` when the bundle
// is not what the specification wants, `unsupported` for another method, hash or version.
Result<SignedModel> open_bundle(std::string_view bundle, const PublicKey& key);

}  // namespace millrace::registry
