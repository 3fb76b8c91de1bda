#include "engine/s3.h"

#include <arrow/filesystem/filesystem.h>
#include <arrow/io/interfaces.h>
#include <arrow/memory_pool.h>

#include <algorithm>
#include <mutex>

#include <fmt/format.h>

#include "core/files.h"

namespace millrace::engine {
namespace {

arrow::Status load_library(const std::string& folder) {
  static std::once_flag once;
  static arrow::Status loaded;
  std::call_once(once, [&] { loaded = arrow::fs::LoadFileSystemFactories((folder + "/libarrow_s3.so").c_str()); });
  return loaded;
}

bool plain(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
}

}  // namespace

std::string S3Place::uri() const { return "s3://" + bucket + (prefix.empty() ? "" : "/" + prefix); }

Result<S3Place> read_s3_uri(const std::string& uri) {
  const auto refuse = [&](std::string_view why) {
    return Error{Code::invalid, fmt::format("the address of the bucket {}", why)}.hint(
        "e.g. s3://bucket/prefix or s3://bucket/prefix?endpoint_override=127.0.0.1:9000&scheme=http&region=us-east-1");
  };
  if (!uri.starts_with("s3://")) return refuse("does not begin with s3://");
  const auto question = uri.find('?');
  const auto path = uri.substr(5, question == std::string::npos ? question : question - 5);
  if (path.find('@') != std::string::npos)  // the text is not shown: it may hold a secret
    return Error{Code::invalid, "the address of the bucket holds credentials"}.hint(
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment instead");
  S3Place out;
  const auto slash = path.find('/');
  out.bucket = path.substr(0, slash);
  if (slash != std::string::npos) out.prefix = path.substr(slash + 1);
  while (out.prefix.ends_with('/')) out.prefix.pop_back();
  if (out.bucket.size() < 3 || out.bucket.size() > 63 || !plain(out.bucket, ".-")) return refuse("names no bucket");
  if (!out.prefix.empty()) {
    MILLRACE_TRY(const auto safe, safe_relative(out.prefix));
    if (!plain(safe, "/._-")) return refuse("has letters in its prefix that are not A-Z, a-z, 0-9, '.', '_' or '-'");
  }
  if (question == std::string::npos) return out;
  const auto query = uri.substr(question + 1);
  for (size_t from = 0; from < query.size();) {
    const size_t to = std::min(query.find('&', from), query.size());
    const auto pair = query.substr(from, to - from);
    from = to + 1;
    const auto equals = pair.find('=');
    const auto name = pair.substr(0, equals), value = equals == std::string::npos ? "" : pair.substr(equals + 1);
    if (!plain(value, ".-_:[]")) return refuse(fmt::format("has a value of '{}' that is none", name.substr(0, 40)));
    if (name == "endpoint_override") {
      out.endpoint = value;
    } else if (name == "region") {
      out.region = value;
    } else if (name == "scheme" && (value == "http" || value == "https")) {
      out.scheme = value;
    } else {
      return refuse(fmt::format("has '{}', which is none of endpoint_override, scheme (http or https), region",
                                name.substr(0, 40)));
    }
  }
  return out;
}

arrow::Result<std::shared_ptr<arrow::fs::FileSystem>> connect_s3(const S3Place& place,
                                                                 const std::string& library_folder) {
  ARROW_RETURN_NOT_OK(load_library(library_folder));
  auto uri = fmt::format("s3://{}?scheme={}&allow_delayed_open=true", place.bucket, place.scheme);
  if (!place.endpoint.empty()) uri += "&endpoint_override=" + place.endpoint;
  if (!place.region.empty()) uri += "&region=" + place.region;
  // Not Arrow's own pool: it keeps what transfers gave back.
  return arrow::fs::FileSystemFromUri(uri, arrow::io::IOContext(arrow::system_memory_pool()));
}

}  // namespace millrace::engine
