#include <fmt/format.h>

#include "cli/host.h"
#include "core/files.h"
#include "core/limits/exchange_limits.h"
#include "registry/signing/bundle.h"
#include "registry/signing/folder.h"
#include "registry/signing/keys.h"

namespace millrace::cli {
namespace {

// NAME@VERSION of the registry; anything else is a path.
std::optional<std::pair<std::string, std::string>> version_of(const std::string& word) {
  const auto at = word.rfind('@');
  if (at == std::string::npos || at == 0 || word.find('/') != std::string::npos) return std::nullopt;
  const auto number = word.substr(at + 1);
  if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return std::pair(word.substr(0, at), number);
}

Result<std::pair<std::string, std::string>> get_version(const std::string& word) {
  if (auto version = version_of(word)) return *version;
  return Error{Code::invalid, fmt::format("'{}' is no version", word)}.at_field("MODEL").hint("write e.g. late@3");
}

std::string version_address(const std::pair<std::string, std::string>& version, std::vector<std::string> rest) {
  std::vector<std::string> parts{"models", version.first, "versions", version.second};
  parts.insert(parts.end(), rest.begin(), rest.end());
  return address(parts);
}

registry::FolderRules rules_of(const Invocation& in, const std::string& signature) {
  return {
      .ignored = in.args.all("--ignore"), .signature = signature, .extra_allowed = in.args.has("--ignore-unsigned")};
}

// The private key stays in this process: the server is asked what to sign, and given the signature.
Result<int> sign_version(Invocation& in, const std::pair<std::string, std::string>& version,
                         const registry::PrivateKey& key) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto statement, gateway->call("GET", version_address(version, {"statement"})));
  registry::SignedModel model{.name = string_or(statement, "name", "")};
  for (const auto& file : statement.at("files"))
    model.files.push_back({string_or(file, "name", ""), string_or(file, "digest", "")});
  MILLRACE_TRY(const auto bundle, registry::sign_model(model, key));
  MILLRACE_TRY(const auto kept, gateway->call("POST", version_address(version, {"signatures"}),
                                              {{"bundle", bundle}, {"key", key.public_key().pem()}}));
  if (in.args.has("--out")) MILLRACE_DO(write_file(absolute(in.args.get("--out")), bundle + "\n", 0644));
  in.show(kept, fmt::format("{}@{} is signed by {}\n", version.first, version.second, key.public_key().id()));
  return 0;
}

Result<int> sign(Invocation& in) {
  const auto target = in.args.get("MODEL");
  MILLRACE_TRY(const auto key, registry::PrivateKey::load(absolute(in.args.get("--key"))));
  if (const auto version = version_of(target)) return sign_version(in, *version, key);
  if (!in.args.has("--out"))
    return Error{Code::invalid, "say where the signature of these files goes"}.at_field("--out").hint(
        "--out model.sig; or give a version: late@3");
  const auto out = absolute(in.args.get("--out"));
  MILLRACE_TRY(const auto model, registry::describe_folder(target, rules_of(in, out)));
  MILLRACE_TRY(const auto bundle, registry::sign_model(model, key));
  MILLRACE_DO(write_file(out, bundle + "\n", 0644));
  in.show({{"files", model.files.size()}, {"key_id", key.public_key().id()}, {"signature", out}},
          fmt::format("{} files are signed by {}: {}\n", model.files.size(), key.public_key().id(), out));
  return 0;
}

Result<int> verify(Invocation& in) {
  const auto target = in.args.get("MODEL");
  MILLRACE_TRY(const auto key, registry::PublicKey::load(absolute(in.args.get("--key"))));
  const auto version = version_of(target);
  if (version && !in.args.has("--signature")) {
    MILLRACE_TRY(auto* gateway, in.gateway());
    MILLRACE_TRY(const auto holds,
                 gateway->call("POST", version_address(*version, {"signatures", "verify"}), {{"key", key.pem()}}));
    in.show(holds, fmt::format("{}: the signature of {} holds\n", target, key.id()));
    return 0;
  }
  if (!in.args.has("--signature"))
    return Error{Code::invalid, "say where the signature is"}.at_field("--signature").hint("--signature model.sig");
  const auto file = absolute(in.args.get("--signature"));
  MILLRACE_TRY(const auto bundle, read_file(file, limits::signature_bytes));
  auto model = registry::open_bundle(bundle, key);
  if (!model) return std::move(model).error().at({.file = file, .field = model.error().where().field});
  MILLRACE_DO(registry::check_folder(target, *model, rules_of(in, file)));
  in.show({{"files", model->files.size()}, {"key_id", key.id()}, {"name", model->name}},
          fmt::format("{}: {} files, as {} signed them\n", target, model->files.size(), key.id()));
  return 0;
}

Result<int> document(Invocation& in, const std::string& kind) {
  MILLRACE_TRY(const auto version, get_version(in.args.get("MODEL")));
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto json, gateway->call("GET", version_address(version, {kind})));
  if (in.args.has("--out")) MILLRACE_DO(write_file(absolute(in.args.get("--out")), to_pretty(json) + "\n", 0644));
  in.show(json, in.args.has("--out") ? "" : to_pretty(json) + "\n");
  return 0;
}

}  // namespace

std::vector<Command> signing_commands() {
  const std::vector<Positional> model{{"MODEL", "a version (late@3), or a file or folder"}};
  const Option ignore{.name = "--ignore",
                      .value = "PATH",
                      .summary = "a path in the folder that is no part of the model",
                      .many = true};
  const Option out{.name = "--out", .value = "FILE", .summary = "write it there"};
  return {{.name = "model sign",
           .summary = "sign a version or a folder with your own key (OpenSSF model signing)",
           .positionals = model,
           .options = {{.name = "--key",
                        .value = "FILE",
                        .summary = "private key, PEM: ECDSA P-256, P-384, P-521 or Ed25519",
                        .required = true},
                       out,
                       ignore},
           .run = sign},
          {.name = "model verify",
           .summary = "verify the signature of a version or a folder; status 1 when it does not hold",
           .positionals = model,
           .options = {{.name = "--key", .value = "FILE", .summary = "public key, PEM", .required = true},
                       {.name = "--signature", .value = "FILE", .summary = "the signature of the files"},
                       ignore,
                       {.name = "--ignore-unsigned", .value = "", .summary = "files that were not signed are fine"}},
           .run = verify},
          {.name = "model provenance",
           .summary = "how a version was made: in-toto statement, SLSA provenance v1",
           .positionals = {{"MODEL", "a version: late@3"}},
           .options = {out},
           .run = [](Invocation& in) { return document(in, "provenance"); }},
          {.name = "model bom",
           .summary = "what a version is made of: CycloneDX 1.6",
           .positionals = {{"MODEL", "a version: late@3"}},
           .options = {out},
           .run = [](Invocation& in) { return document(in, "bom"); }}};
}

}  // namespace millrace::cli
