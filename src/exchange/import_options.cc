#include <fmt/format.h>

#include "core/yaml.h"
#include "exchange/import.h"
#include "exchange/sources/postgres_reader.h"

namespace millrace::exchange {

Result<std::string> take_password(Json& body) {
  MILLRACE_TRY(const auto source, get_string(body, "source"));
  auto password = string_or(body, "password", "");
  body.erase("password");
  const auto url = postgres_url(source);
  if (url.empty()) return std::string();
  MILLRACE_TRY(auto split, without_password(url));
  body["source"] = std::move(split.url);
  return split.password.empty() ? std::move(password) : std::move(split.password);
}

Result<ImportOptions> read_import(const Json& body) {
  ImportOptions out;
  MILLRACE_TRY(out.source, get_string(body, "source"));
  if (const auto url = postgres_url(out.source); !url.empty()) {
    MILLRACE_TRY(const auto split, without_password(url));
    if (!split.password.empty())
      return Error{Code::invalid, "a password does not stand in a job"}.at_field("source").hint(
          "give it as 'password' beside the source");
  }
  out.source_workspace = string_or(body, "source_workspace", "default");
  const auto artifacts = string_or(body, "artifacts", "copy");
  if (artifacts != "copy" && artifacts != "reference" && artifacts != "none")
    return Error{Code::invalid, fmt::format("'{}' is no way to take artifacts", artifacts.substr(0, 80))}
        .at_field("artifacts")
        .hint("copy, reference or none");
  if (artifacts == "reference") out.artifacts = Artifacts::reference;
  if (artifacts == "none") out.artifacts = Artifacts::none;
  const auto clash = string_or(body, "on_clash", "merge");
  if (clash != "merge" && clash != "refuse")
    return Error{Code::invalid, fmt::format("'{}' is no way to treat a name that is taken", clash.substr(0, 80))}
        .at_field("on_clash")
        .hint("merge or refuse");
  out.refuse_clash = clash == "refuse";
  if (const auto* roots = find(body, "artifact_roots"); roots != nullptr) {
    if (!roots->is_array())
      return Error{Code::invalid, "'artifact_roots' must be a list of folders"}.at_field("artifact_roots");
    for (const auto& root : *roots) {
      if (!root.is_string() || !root.get<std::string>().starts_with('/'))
        return Error{Code::invalid, "'artifact_roots' must be absolute paths of folders"}.at_field("artifact_roots");
      out.artifact_roots.push_back(root.get<std::string>());
    }
  }
  if (const auto* dry = find(body, "dry_run"); dry != nullptr) {
    if (!dry->is_boolean()) return Error{Code::invalid, "'dry_run' must be true or false"}.at_field("dry_run");
    out.dry_run = dry->get<bool>();
  }
  return out;
}

}  // namespace millrace::exchange
