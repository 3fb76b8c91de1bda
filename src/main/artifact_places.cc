#include "main/artifact_places.h"

#include <cstdlib>

#include <fmt/format.h>

#include "core/files.h"
#include "core/json.h"
#include "track/files/s3.h"

namespace millrace {
namespace {

constexpr std::string_view kProxyRoot = "mlflow-artifacts:/";
constexpr std::string_view kParts = ".millrace-uploads";  // hidden beside the artifacts

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

Result<track::S3Options> s3_options(const std::string& uri) {
  track::S3Options out;
  MILLRACE_TRY(out.place, track::read_s3_uri(uri));
  for (const auto* name : {"AWS_REGION", "AWS_DEFAULT_REGION"})
    if (out.place.region.empty()) out.place.region = variable(name);
  track::S3Key key{variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"), variable("AWS_SESSION_TOKEN")};
  if (!key.id.empty() && !key.secret.empty()) out.key = std::move(key);
  out.library_folder = library_folder();
  return out;
}

Result<ArtifactOptions> remembered(const std::string& file) {
  ArtifactOptions out;
  if (!exists(file)) return out;
  MILLRACE_TRY(const auto text, read_file(file, 64 << 10));
  MILLRACE_TRY(const auto json, parse_json(text, file));
  out.proxy = string_or(json, "artifacts", "");
  out.root = string_or(json, "artifact_root", "");
  return out;
}

// A folder or a bucket, or what lies below it.
Result<std::unique_ptr<track::FileStore>> open_files(const std::string& place, const std::string& below,
                                                     Context& context) {
  if (place.starts_with("s3://")) {
    MILLRACE_TRY(auto s3, s3_options(place));
    if (!below.empty()) s3.place.prefix += (s3.place.prefix.empty() ? "" : "/") + below;
    return track::open_s3_files(std::move(s3), context.clock);
  }
  if (place.find("://") != std::string::npos)
    return Error{Code::unsupported, fmt::format("files cannot be kept at '{}'", place.substr(0, 20))}.hint(
        "it takes a folder or s3://BUCKET/PREFIX");
  MILLRACE_DO(make_folders(place));
  return track::open_local_files(below.empty() ? place : place + "/" + below);
}

}  // namespace

Result<std::unique_ptr<track::FileStore>> open_file_place(const std::string& place, Context& context) {
  return open_files(place, "", context);
}

Result<track::ArtifactPlaces> open_artifact_places(const std::string& state, const ArtifactOptions& options,
                                                   Context& context) {
  const auto file = state + "/artifacts.json";
  MILLRACE_TRY(auto now, remembered(file));
  const auto before = now;
  if (!options.proxy.empty()) now.proxy = options.proxy.starts_with("s3://") ? options.proxy : absolute(options.proxy);
  if (!options.root.empty()) now.root = options.root;

  const auto proxy = now.proxy.empty() ? state + "/artifacts" : now.proxy;
  MILLRACE_TRY(auto files, open_files(proxy, "", context));
  auto parts = track::open_local_files(state + "/uploads");
  if (options.shared) {
    MILLRACE_TRY(parts, open_files(proxy, std::string(kParts), context));
    MILLRACE_DO(remove_tree(state + "/uploads"));  // of before they were shared: a client sends such a part again
  }
  track::ArtifactPlaces out{.proxied = track::Artifacts(std::move(files), state + "/tmp"),
                            .parts = track::Artifacts(std::move(parts), state + "/tmp")};
  if (now.root.starts_with("s3://")) {
    MILLRACE_TRY(auto s3, s3_options(now.root));
    out.root_uri = s3.place.uri();
    out.direct.emplace(track::open_s3_files(std::move(s3), context.clock), state + "/tmp");
  } else if (now.root.starts_with(kProxyRoot)) {
    MILLRACE_TRY(const auto below,
                 track::ArtifactPath::of("default", std::string_view(now.root).substr(kProxyRoot.size())));
    out.root_uri = std::string(kProxyRoot) + below.text();
  } else if (!now.root.empty()) {
    return Error{Code::unsupported,
                 fmt::format("experiments cannot keep their artifacts at '{}'", now.root.substr(0, 20))}
        .hint("--artifact-root takes mlflow-artifacts:/ (through this server) or s3://BUCKET/PREFIX");
  }
  if (now.proxy != before.proxy || now.root != before.root)
    MILLRACE_DO(write_file(file, to_text(Json{{"artifacts", now.proxy}, {"artifact_root", now.root}})));
  return out;
}

}  // namespace millrace
