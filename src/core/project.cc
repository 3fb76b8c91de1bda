#include "core/project.h"

#include <cstdlib>

#include <fmt/format.h>

#include "core/files.h"
#include "core/hash.h"
#include "core/ids.h"
#include "core/limits.h"

namespace millrace {
namespace {

constexpr int64_t kFormat = 1;

Result<void> check_format(const Yaml& root, const std::string& file) {
  const auto* format = root.find("millrace");
  if (format == nullptr)
    return Error{Code::invalid, "'millrace' is missing"}
        .at({.file = file, .line = 1})
        .hint("start the file with: millrace: 1");
  MILLRACE_TRY(const auto number, format->integer());
  if (number == kFormat) return {};
  if (number > kFormat)
    return Error{Code::unsupported, fmt::format("this file is in format {}, this program reads {}", number, kFormat)}
        .at(format->where())
        .hint("use a newer millrace");
  return format->error(fmt::format("there is no format {}", number)).hint("write millrace: 1");
}

}  // namespace

Result<std::string> Project::path(const Yaml& value) const {
  MILLRACE_TRY(const auto text, value.string());
  auto safe = safe_relative(text);
  if (!safe) return std::move(safe).error().at(value.where());
  return folder + "/" + *safe;
}

Result<Project> load_project(const std::string& folder) {
  Project project;
  project.folder = absolute(folder);
  while (project.folder.size() > 1 && project.folder.ends_with('/')) project.folder.pop_back();
  project.file = project.folder + "/millrace.yaml";
  auto text = read_file(project.file, limits::yaml_bytes);
  if (!text) {
    auto error = std::move(text).error();
    if (error.code() == Code::not_found) error.hint("give the folder that holds millrace.yaml: --project DIR");
    return error.while_doing("reading the project");
  }
  project.digest = digest_of(*text);
  auto root = parse_yaml(*text, project.file);
  if (!root) return std::move(root).error().while_doing("reading the project");
  if (!root->is_map())
    return Error{Code::invalid, "a project file holds keys and values"}
        .at({.file = project.file, .line = 1})
        .hint("start it with: millrace: 1");
  project.root = std::move(*root);
  MILLRACE_DO(check_format(project.root, project.file));
  MILLRACE_DO(project.root.only_keys({"millrace", "project", "sources", "features", "pipeline", "models", "deployments",
                                      "monitors", "review", "privacy", "value", "registry", "store"}));
  MILLRACE_TRY(project.name, project.root.get_string("project"));
  if (!is_name(project.name))
    return project.root.find("project")
        ->error(fmt::format("'{}' is not a name", project.name))
        .hint("letters, digits, '_', '-' and '.'");
  return project;
}

Result<std::string> resolve_secret(const Project& project, const Yaml& value) {
  MILLRACE_TRY(const auto text, value.string());
  if (!text.starts_with("${") || !text.ends_with("}")) return text;
  const std::string inner = text.substr(2, text.size() - 3);
  if (inner.starts_with("env:")) {
    const char* found = std::getenv(inner.c_str() + 4);
    if (found == nullptr) return value.error(fmt::format("the environment variable {} is not set", inner.substr(4)));
    return std::string(found);
  }
  if (inner.starts_with("file:")) {
    const std::string path = inner.substr(5);
    MILLRACE_TRY(auto secret, read_file(path.starts_with("/") ? path : project.folder + "/" + path, 64 << 10));
    while (secret.ends_with('\n') || secret.ends_with('\r')) secret.pop_back();
    return secret;
  }
  return value.error(fmt::format("'{}' is not a known reference", text)).hint("write ${env:NAME} or ${file:PATH}");
}

}  // namespace millrace
