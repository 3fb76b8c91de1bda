#include "data/inputs/s3_objects.h"

#include <arrow/buffer.h>
#include <arrow/filesystem/filesystem.h>
#include <arrow/io/interfaces.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include <fmt/format.h>

#include "core/files.h"
#include "data/inputs/glob.h"
#include "engine/s3.h"

namespace millrace::data {
namespace {

namespace fs = arrow::fs;

constexpr int64_t kPiece = 4 << 20;

Error s3_error(const std::string& label, const arrow::Status& status) {
  const auto text = status.message().substr(0, 400);
  const bool refused = text.find("ACCESS_DENIED") != std::string::npos || text.find("FORBIDDEN") != std::string::npos ||
                       text.find("INVALID_ACCESS_KEY") != std::string::npos ||
                       text.find("SIGNATURE") != std::string::npos;
  return Error{refused ? Code::denied : Code::unavailable, fmt::format("the bucket cannot be read: {}", text)}
      .at({.file = label})
      .hint(refused ? "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the rights of that key"
                    : "check the address, and that the object store can be reached");
}

Error nothing_there(const std::string& label) {
  return Error{Code::not_found, fmt::format("no object matches '{}'", label)}
      .at({.file = label})
      .hint("s3://BUCKET/KEY names one, s3://BUCKET/FOLDER/*.parquet many, s3://BUCKET/FOLDER/ all data in it");
}

struct Wanted {
  std::string bucket, key, label;
};

Result<std::vector<fs::FileInfo>> find(fs::FileSystem& bucket, const Wanted& wanted) {
  const bool folder = wanted.key.empty() || wanted.key.ends_with('/');
  if (!folder && !has_pattern(wanted.key)) {
    const auto info = bucket.GetFileInfo(wanted.bucket + "/" + wanted.key);
    if (!info.ok()) return s3_error(wanted.label, info.status());
    if (!info->IsFile()) return nothing_there(wanted.label);
    return std::vector<fs::FileInfo>{*info};
  }
  fs::FileSelector selector;
  const auto above = folder ? wanted.key : fixed_folder(wanted.key);
  selector.base_dir = wanted.bucket + (above.empty() ? "" : "/" + above);
  while (selector.base_dir.ends_with('/')) selector.base_dir.pop_back();
  selector.recursive = true;
  selector.allow_not_found = true;
  auto found = bucket.GetFileInfo(selector);
  if (!found.ok()) return s3_error(wanted.label, found.status());
  std::vector<fs::FileInfo> out;
  for (const auto& info : *found) {
    const auto key = info.path().substr(wanted.bucket.size() + 1);
    if (!info.IsFile() || (folder && is_hidden_name(info.base_name()))) continue;
    if (!folder && !matches_pattern(wanted.key, key)) continue;
    if (folder && !is_data_name(key))
      return Error{Code::invalid, fmt::format("'{}' is not data by its name, and a folder is read whole", key)}
          .at({.file = wanted.label})
          .hint("say which objects are meant: .../*.parquet");
    out.push_back(info);
  }
  if (out.empty()) return nothing_there(wanted.label);
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.path() < b.path(); });
  return out;
}

Result<void> copy(fs::FileSystem& bucket, const fs::FileInfo& info, const std::string& label, const std::string& path) {
  auto source = bucket.OpenInputFile(info.path());
  if (!source.ok()) return s3_error(label, source.status());
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wbe"), std::fclose);
  if (!file) return file_error("writing a readable copy of", label, errno);
  for (int64_t at = 0; at < info.size();) {
    auto piece = (*source)->ReadAt(at, std::min(kPiece, info.size() - at));
    if (!piece.ok()) return s3_error(label, piece.status());
    const auto size = static_cast<size_t>((*piece)->size());
    if (size == 0) return s3_error(label, arrow::Status::IOError("the object was cut short"));
    if (std::fwrite((*piece)->data(), 1, size, file.get()) != size)
      return file_error("writing a readable copy of", label, errno);
    at += static_cast<int64_t>(size);
  }
  if (std::fflush(file.get()) != 0) return file_error("writing a readable copy of", label, errno);
  const auto now = bucket.GetFileInfo(info.path());
  if (!now.ok()) return s3_error(label, now.status());
  if (now->size() == info.size() && now->mtime() == info.mtime()) return {};
  return Error{Code::conflict, fmt::format("'{}' was replaced while it was read: nothing is said about it", label)}
      .at({.file = label})
      .hint("check it again when it is complete");
}

}  // namespace

Result<std::vector<InputPlace>> copy_objects(const std::string& uri, const std::string& library_folder,
                                             Inputs& inputs) {
  const auto question = uri.find('?');
  const auto slash = std::min(uri.find('/', 5), std::min(question, uri.size()));
  const auto options = question == std::string::npos ? "" : uri.substr(question);
  MILLRACE_TRY(const auto place, engine::read_s3_uri(uri.substr(0, slash) + options));
  const auto path = uri.substr(0, question);
  const Wanted wanted{
      .bucket = place.bucket, .key = slash + 1 < path.size() ? path.substr(slash + 1) : "", .label = path};
  auto region = place;
  if (!region.endpoint.empty() && region.region.empty()) region.region = "us-east-1";
  auto bucket = engine::connect_s3(region, library_folder);
  if (!bucket.ok()) return s3_error(wanted.label, bucket.status());
  MILLRACE_TRY(const auto found, find(**bucket, wanted));
  if (found.size() > limits::batch_files)
    return Error{Code::too_large, fmt::format("{} objects match, more than {}", found.size(), limits::batch_files)}
        .at({.file = wanted.label})
        .hint("name fewer, or write larger ones");
  std::vector<InputPlace> out;
  for (const auto& info : found) {
    const auto label = "s3://" + info.path();
    MILLRACE_TRY(const auto target, inputs.copy_path(label, ".object"));
    MILLRACE_DO(copy(**bucket, info, label, target));
    out.push_back({.path = target, .label = label});
  }
  return out;
}

}  // namespace millrace::data
