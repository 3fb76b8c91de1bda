#include "api/native/signing.h"
#include "api/native/reads.h"

#include "api/native/reply.h"
#include "registry/signing/signatures.h"

namespace millrace::api::native {
namespace {

registry::Signatures signatures(Services& s) {
  return registry::Signatures(registry::SignatureParts{s.database, s.blobs, s.journal, s.context});
}

Result<registry::PublicKey> key_of(const Json& body) {
  MILLRACE_TRY(const auto pem, get_string(body, "key"));
  auto key = registry::PublicKey::parse(pem);
  if (!key) return std::move(key).error().at_field("key");
  return key;
}

Result<Json> statement(Services& s, const Request& in) {
  MILLRACE_TRY(const auto number, arg_integer(in, "version"));
  MILLRACE_TRY(const auto model, signatures(s).statement(in.caller.workspace, in.arg("model"), number));
  Json files = Json::array();
  for (const auto& file : model.files) files.push_back({{"name", file.name}, {"digest", file.digest}});
  return Json{{"name", model.name}, {"files", std::move(files)}};
}

Result<Json> add(Services& s, const Request& in) {
  MILLRACE_TRY(const auto number, arg_integer(in, "version"));
  MILLRACE_TRY(const auto body, read_object(in, {"bundle", "key"}));
  MILLRACE_TRY(const auto bundle, get_string(body, "bundle"));
  MILLRACE_TRY(const auto key, key_of(body));
  MILLRACE_TRY(const auto kept, signatures(s).add(in.caller, in.arg("model"), number, bundle, key));
  MILLRACE_DO(s.registry.reconcile());  // where the version is live, the data plane finds it too
  return kept.to_json();
}

Result<Json> list(Services& s, const Request& in) {
  MILLRACE_TRY(const auto number, arg_integer(in, "version"));
  MILLRACE_TRY(const auto all, signatures(s).list(in.caller.workspace, in.arg("model"), number));
  return page(all);
}

Result<Json> verify(Services& s, const Request& in) {
  MILLRACE_TRY(const auto number, arg_integer(in, "version"));
  MILLRACE_TRY(const auto body, read_object(in, {"key"}));
  MILLRACE_TRY(const auto key, key_of(body));
  MILLRACE_TRY(const auto holds, signatures(s).verify(in.caller.workspace, in.arg("model"), number, key));
  MILLRACE_DO(s.registry.check_files(in.caller.workspace, in.arg("model"), number));
  return holds.to_json();
}

Result<Json> provenance(Services& s, const Request& in) {
  MILLRACE_TRY(const auto number, arg_integer(in, "version"));
  return signatures(s).provenance(in.caller.workspace, in.arg("model"), number);
}

// What people wrote of the model stands in the project; without one the bill goes without it.
Result<Json> bom(Services& s, const Request& in) {
  MILLRACE_TRY(const auto number, arg_integer(in, "version"));
  Json card;
  if (const auto project = s.project()) {
    MILLRACE_TRY(const auto models, registry::read_models(*project));
    for (const auto& model : models)
      if (model.name == in.arg("model")) card = model.card;
  } else if (project.error().code() != Code::not_found) {
    return project.error();
  }
  return signatures(s).bom(in.caller.workspace, in.arg("model"), number, card);
}

}  // namespace

Routes signing_routes(Services& s) {
  const std::string version = "/api/millrace/v1/models/{model}/versions/{version}";
  const auto get = [&s](const std::string& path, auto* work, const std::string& summary) {
    return read_route(
        path, [&s, work](const Request& in) { return work(s, in); }, summary);
  };
  return {
      get(version + "/statement", statement, "The files of a version with their digests: what a signature covers."),
      get(version + "/signatures", list, "The signatures of a version."),
      {"POST", version + "/signatures", Permission::write, kJsonBody, "model.signed", Run::worker,
       [&s](Request& in) {
         return answer(
             in, [&] { return add(s, in); }, 201);
       },
       "Keep a signature (an OpenSSF model signing bundle) that covers exactly the version's files."},
      {"POST", version + "/signatures/verify", Permission::read, kJsonBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return verify(s, in); }); },
       "Is there a signature of this key that holds?"},
      get(version + "/provenance", provenance, "How a version was made: an in-toto statement, SLSA provenance v1."),
      get(version + "/bom", bom, "What a version is made of: CycloneDX 1.6."),
  };
}

}  // namespace millrace::api::native
