#include "data/inputs/locate.h"

#include <filesystem>

#include <fmt/format.h>

#include "core/files.h"
#include "data/inputs/glob.h"
#include "data/inputs/s3_objects.h"

namespace millrace::data {
namespace {

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

Result<std::vector<std::string>> find_local(const std::string& written) {
  auto path = absolute(written);
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (is_folder(path)) return find_data_files(path);
  std::error_code ignored;
  if (exists(path) && !std::filesystem::is_regular_file(path, ignored))
    return Error{Code::invalid, fmt::format("'{}' is not a file", path)}
        .at({.file = path})
        .hint("name files, folders or a pattern");
  if (exists(path) || !has_pattern(path)) return std::vector<std::string>{path};
  return find_matches(path);
}

}  // namespace

bool is_remote(std::string_view written) { return written.starts_with("s3://") || is_postgres_url(written); }

Result<std::vector<InputPlace>> Locator::places(const std::string& written) {
  if (written.starts_with("s3://")) return copy_objects(written, library_folder(), inputs_);
  if (is_postgres_url(written)) {
    MILLRACE_TRY(const auto table, read_postgres_url(written));
    MILLRACE_TRY(const auto path, inputs_.copy_path(table.label, ".csv"));
    MILLRACE_TRY(auto place, databases_.copy(table, path));
    return std::vector<InputPlace>{std::move(place)};
  }
  if (const auto scheme = written.find("://"); scheme != std::string::npos && scheme < 12)
    return Error{Code::unsupported,
                 fmt::format("'{}' is not an address that is read here", written.substr(0, scheme + 3))}
        .hint("name files, folders, patterns, s3://BUCKET/KEY or postgresql://HOST/DATABASE?table=SCHEMA.NAME");
  MILLRACE_TRY(const auto files, find_local(written));
  std::vector<InputPlace> out;
  for (const auto& file : files) out.push_back({.path = file, .label = file});
  return out;
}

Result<std::vector<std::string>> Locator::locate(const std::string& written, const Reading& reading) {
  MILLRACE_TRY(auto found, places(written));
  if (found.size() > limits::batch_files)
    return Error{Code::too_large,
                 fmt::format("'{}' means {} files, more than {}", written, found.size(), limits::batch_files)}
        .hint("name fewer, or write larger ones");
  std::vector<std::string> paths;
  for (auto& place : found) {
    paths.push_back(place.path);
    if (place.columns.empty()) place.reading = reading;
    inputs_.tell(std::move(place));
  }
  return paths;
}

}  // namespace millrace::data
