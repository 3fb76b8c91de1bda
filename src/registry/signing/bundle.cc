#include "registry/signing/bundle.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "core/codes/base64.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/limits/exchange_limits.h"

namespace millrace::registry {
namespace {

constexpr std::string_view kMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json";
constexpr std::string_view kPayloadType = "application/vnd.in-toto+json";
constexpr std::string_view kStatement = "https://in-toto.io/Statement/v1";
constexpr std::string_view kPredicate = "https://model_signing/signature/v1.0";
constexpr size_t kMostSignatures = 16;

// Pre-authentication encoding of DSSE version 1.
std::string encoded(std::string_view payload) {
  return fmt::format("DSSEv1 {} {} {} {}", kPayloadType.size(), kPayloadType, payload.size(), payload);
}

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool is_hex(std::string_view text) {
  return text.size() % 2 == 0 && !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return nibble(c) >= 0; });
}

std::string bytes_of_hex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) out += static_cast<char>(nibble(hex[i]) << 4 | nibble(hex[i + 1]));
  return out;
}

// One digest for the list: over the files' digests in their order.
std::string root_of(const std::vector<SignedFile>& files) {
  Sha256 hash;
  for (const auto& file : files) hash.update(bytes_of_hex(file.digest));
  return hash.digest().substr(7);
}

Error broken(const std::string& what, const std::string& field) {
  return Error{Code::invalid, fmt::format("the signature is not as the specification wants it: {}", what)}.at_field(
      field);
}

Result<Json> statement_of(const SignedModel& model) {
  Json resources = Json::array();
  for (const auto& file : model.files) {
    MILLRACE_DO(safe_relative(file.name));
    resources.push_back({{"name", file.name}, {"algorithm", model.hash}, {"digest", file.digest}});
  }
  Json serialization{{"method", "files"}, {"hash_type", model.hash}, {"allow_symlinks", false}};
  if (!model.ignored.empty()) serialization["ignore_paths"] = model.ignored;
  return Json{{"_type", kStatement},
              {"subject", {{{"name", model.name}, {"digest", {{"sha256", root_of(model.files)}}}}}},
              {"predicateType", kPredicate},
              {"predicate", {{"resources", std::move(resources)}, {"serialization", std::move(serialization)}}}};
}

Result<std::string> text_at(const Json& object, std::string_view key, const std::string& where) {
  const auto* value = find(object, key);
  if (value == nullptr || !value->is_string()) return broken(fmt::format("'{}' must be a text", key), where);
  return value->get<std::string>();
}

Result<void> check_material(const Json& bundle, const PublicKey& key) {
  const auto* material = find(bundle, "verificationMaterial");
  if (material == nullptr || !material->is_object())
    return broken("there is no verificationMaterial", "verificationMaterial");
  const auto* named = find(*material, "publicKey");
  if (named == nullptr || !named->is_object()) {
    const bool other = find(*material, "certificate") != nullptr || find(*material, "x509CertificateChain") != nullptr;
    if (other)
      return Error{Code::unsupported, "the model is signed with a certificate"}
          .at_field("verificationMaterial")
          .hint("signatures of a key are verified here: sign it with a key too");
    return broken("there is no publicKey", "verificationMaterial");
  }
  // Bundles before 1.1 carry the key's bytes instead of its fingerprint; the signature itself says whose it is.
  const auto* hint = find(*named, "hint");
  if (hint == nullptr && find(*named, "rawBytes") == nullptr)
    return broken("publicKey has neither 'hint' nor 'rawBytes'", "verificationMaterial.publicKey");
  if (hint != nullptr && hint->is_string() && !hint->get<std::string>().empty() && *hint != key.id())
    return Error{Code::rejected, fmt::format("the signature is of the key {}, not of {}",
                                             hint->get<std::string>().substr(0, 64), key.id())}
        .at_field("verificationMaterial.publicKey.hint")
        .hint("give the public key of who signed it");
  return {};
}

Result<std::string> signed_payload(const Json& bundle, const PublicKey& key) {
  const auto* envelope = find(bundle, "dsseEnvelope");
  if (envelope == nullptr || !envelope->is_object()) return broken("there is no dsseEnvelope", "dsseEnvelope");
  MILLRACE_TRY(const auto type, text_at(*envelope, "payloadType", "dsseEnvelope.payloadType"));
  if (type != kPayloadType)
    return broken(fmt::format("payloadType is '{}'", type.substr(0, 80)), "dsseEnvelope.payloadType");
  MILLRACE_TRY(const auto text, text_at(*envelope, "payload", "dsseEnvelope.payload"));
  const auto payload = from_base64(text);
  if (!payload) return broken("payload is not base64", "dsseEnvelope.payload");
  const auto* signatures = find(*envelope, "signatures");
  if (signatures == nullptr || !signatures->is_array() || signatures->empty() || signatures->size() > kMostSignatures)
    return broken("there must be a signature", "dsseEnvelope.signatures");
  for (const auto& one : *signatures) {
    MILLRACE_TRY(const auto encoded_signature, text_at(one, "sig", "dsseEnvelope.signatures"));
    const auto signature = from_base64(encoded_signature);
    if (!signature) return broken("sig is not base64", "dsseEnvelope.signatures");
    if (key.verifies(encoded(*payload), *signature)) return *payload;
  }
  return Error{Code::rejected, "the signature does not fit what is signed, or is another key's"}
      .at_field("dsseEnvelope.signatures")
      .hint("give the public key of who signed it; if that is this one, somebody changed the file");
}

Result<void> read_serialization(const Json& predicate, SignedModel& model) {
  const auto* how = find(predicate, "serialization");
  if (how == nullptr || !how->is_object()) return broken("there is no serialization", "predicate.serialization");
  MILLRACE_TRY(const auto method, text_at(*how, "method", "predicate.serialization.method"));
  MILLRACE_TRY(model.hash, text_at(*how, "hash_type", "predicate.serialization.hash_type"));
  if (model.hash != "sha256" && model.hash != "blake2b")
    return Error{Code::unsupported, fmt::format("digests are '{}'", model.hash.substr(0, 80))}
        .at_field("predicate.serialization.hash_type")
        .hint("sha256 and blake2b are verified here");
  if (method == "shards") {
    // The genuine package writes it through protobuf's Struct, which has no integers.
    const auto* size = find(*how, "shard_size");
    const double bytes = size != nullptr && size->is_number() ? size->get<double>() : 0;
    if (bytes != std::floor(bytes) || bytes > 1e15)
      return broken("shard_size must be a whole number", "predicate.serialization.shard_size");
    model.shard_size = static_cast<int64_t>(bytes);
    if (model.shard_size < 1) return broken("shard_size must be above 0", "predicate.serialization.shard_size");
  } else if (method != "files") {
    return Error{Code::unsupported, fmt::format("the method is '{}'", method.substr(0, 80))}.at_field(
        "predicate.serialization.method");
  }
  const auto* ignored = find(*how, "ignore_paths");
  if (ignored == nullptr) return {};
  if (!ignored->is_array()) return broken("ignore_paths must be a list", "predicate.serialization.ignore_paths");
  for (const auto& path : *ignored) {
    if (!path.is_string()) return broken("ignore_paths must be texts", "predicate.serialization.ignore_paths");
    model.ignored.push_back(path.get<std::string>());
  }
  return {};
}

Result<void> read_files(const Json& predicate, SignedModel& model) {
  const auto* resources = find(predicate, "resources");
  if (resources == nullptr || !resources->is_array() || resources->empty())
    return broken("there must be a file", "predicate.resources");
  if (resources->size() > limits::signed_files * 16)
    return Error{Code::too_large, "the signature lists too many files"}.at_field("predicate.resources");
  std::set<std::string> names;
  for (size_t i = 0; i < resources->size(); ++i) {
    const auto where = fmt::format("predicate.resources[{}]", i);
    const auto& one = (*resources)[i];
    MILLRACE_TRY(const auto name, text_at(one, "name", where));
    MILLRACE_TRY(auto digest, text_at(one, "digest", where));
    MILLRACE_TRY(const auto algorithm, text_at(one, "algorithm", where));
    const bool whole = name == "." && resources->size() == 1;  // how early bundles of one file named it
    if (auto safe = safe_relative(name); !safe && !whole) return broken(safe.error().message(), where + ".name");
    if (!is_hex(digest)) return broken("digest is not hexadecimal", where + ".digest");
    const auto of_parts = fmt::format("{}-sharded-{}", model.hash, model.shard_size);
    if (algorithm != model.hash && (model.shard_size == 0 || algorithm != of_parts))
      return broken("algorithm is not the serialization's hash_type", where + ".algorithm");
    if (!names.insert(name).second) return broken(fmt::format("'{}' is there twice", name), where + ".name");
    model.files.push_back({name, std::move(digest)});
  }
  return {};
}

Result<SignedModel> read_statement(const std::string& payload) {
  MILLRACE_TRY(const auto statement, parse_json(payload, "the signed statement"));
  MILLRACE_TRY(const auto type, text_at(statement, "_type", "_type"));
  if (type != kStatement) return broken(fmt::format("_type is '{}'", type.substr(0, 80)), "_type");
  MILLRACE_TRY(const auto predicate_type, text_at(statement, "predicateType", "predicateType"));
  if (predicate_type != kPredicate)
    return broken(fmt::format("predicateType is '{}'", predicate_type.substr(0, 80)), "predicateType");
  const auto* subject = find(statement, "subject");
  if (subject == nullptr || !subject->is_array() || subject->size() != 1)
    return broken("there must be one subject", "subject");
  const auto* predicate = find(statement, "predicate");
  if (predicate == nullptr || !predicate->is_object()) return broken("there is no predicate", "predicate");
  SignedModel model;
  MILLRACE_TRY(model.name, text_at((*subject)[0], "name", "subject[0].name"));
  MILLRACE_DO(read_serialization(*predicate, model));
  MILLRACE_DO(read_files(*predicate, model));
  const auto* digests = find((*subject)[0], "digest");
  const auto root = digests != nullptr ? string_or(*digests, "sha256", "") : std::string();
  if (root != root_of(model.files)) return broken("the subject's digest is not that of the files", "subject[0].digest");
  return model;
}

}  // namespace

Result<std::string> sign_model(const SignedModel& model, const PrivateKey& key) {
  if (model.files.empty()) return Error{Code::invalid, "there is no file to sign"};
  MILLRACE_TRY(const auto statement, statement_of(model));
  const auto payload = to_text(statement);
  MILLRACE_TRY(const auto signature, key.sign(encoded(payload)));
  const Json bundle{
      {"mediaType", kMediaType},
      {"verificationMaterial", {{"publicKey", {{"hint", key.public_key().id()}}}, {"tlogEntries", Json::array()}}},
      {"dsseEnvelope",
       {{"payload", to_base64(payload)},
        {"payloadType", kPayloadType},
        {"signatures", {{{"sig", to_base64(signature)}, {"keyid", ""}}}}}}};
  return to_text(bundle);
}

Result<SignedModel> open_bundle(std::string_view bundle, const PublicKey& key) {
  if (bundle.size() > limits::signature_bytes)
    return Error{Code::too_large, fmt::format("a signature has at most {} bytes", limits::signature_bytes)};
  MILLRACE_TRY(const auto json, parse_json(bundle, "the signature"));
  MILLRACE_TRY(const auto type, text_at(json, "mediaType", "mediaType"));
  if (type != kMediaType)
    return Error{Code::unsupported, fmt::format("mediaType is '{}'", type.substr(0, 120))}
        .at_field("mediaType")
        .hint(fmt::format("{} is read here", kMediaType));
  MILLRACE_DO(check_material(json, key));
  MILLRACE_TRY(const auto payload, signed_payload(json, key));
  return read_statement(payload);
}

}  // namespace millrace::registry
