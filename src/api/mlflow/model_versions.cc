#include "api/mlflow/registry.h"
#include "api/mlflow/select.h"

namespace millrace::api::mlflow {
namespace {

using registry::VersionEntry;

constexpr int64_t kStandardPage = 10'000;
constexpr size_t kLargestPage = 200'000;

constexpr track::Attribute kAttributes[] = {{"name", "name", false, true},
                                            {"version_number", "version", true},
                                            {"run_id", "run_id", false, true},
                                            {"creation_timestamp", "created", true},
                                            {"last_updated_timestamp", "created", true}};
const track::Grammar kGrammar{kAttributes, {}};

Cell cell_of(const VersionEntry& version, const std::string& column) {
  if (column == "name") return {.text = version.model};
  if (column == "run_id") return {.text = version.run_id};
  return {.number = static_cast<double>(column == "version" ? version.version : version.created_at / 1000)};
}

Reply get(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto name = in.text("name"), text = in.text("version");
  if (in.failed()) return error_reply(in.error());
  const auto work = [&]() -> Result<Json> {
    MILLRACE_TRY(const auto version, read_version(text));
    MILLRACE_TRY(const auto catalogue, read_catalogue(s, request.caller));
    MILLRACE_TRY(auto json, version_json(s, request.caller, catalogue, name, version));
    return Json{{"model_version", std::move(json)}};
  };
  return reply_of(work(), [](const Json& value) { return value; });
}

Reply search(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto asked = Asked::of(in, kStandardPage);
  if (in.failed()) return error_reply(in.error());
  const Searched<VersionEntry> how{.grammar = kGrammar,
                                   .cell = cell_of,
                                   .tag_holds = [](const track::Comparison&) { return false; },
                                   .order = {"last_updated_timestamp DESC", "name", "version_number DESC"},
                                   .key =
                                       [](const VersionEntry& version) {
                                         return Json::array({version.model, version.version});
                                       },
                                   .most = kLargestPage};
  const auto work = [&]() -> Result<Json> {
    MILLRACE_TRY(const auto catalogue, read_catalogue(s, request.caller));
    MILLRACE_TRY(const auto page, select(catalogue.versions, how, asked));
    Json out = Json::object();
    for (const auto& version : page.items) {
      MILLRACE_TRY(auto json, version_json(s, request.caller, catalogue, version.model, version.version));
      out["model_versions"].push_back(std::move(json));
    }
    if (!page.next.empty()) out["next_page_token"] = page.next;
    return out;
  };
  return reply_of(work(), [](const Json& value) { return value; });
}

}  // namespace

void add_model_versions(Table& table) {
  table.add({"GET", "/model-versions/get", Permission::read, "none", "One version of a registered model.", get});
  table.add({"GET", "/model-versions/search", Permission::read, "none", "Versions of registered models.", search});
}

}  // namespace millrace::api::mlflow
