#include "versions/tables/tables.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/hash.h"
#include "core/yaml.h"
#include "engine/engine.h"
#include "versions/work/checkout.h"
#include "versions/work/compare.h"

namespace millrace::versions {
namespace {

constexpr size_t kFiles = 100'000;  // of one table

struct Format {
  std::string_view ending, reader;
};
constexpr Format kFormats[] = {{".parquet", "read_parquet"}, {".csv", "read_csv"},
                               {".tsv", "read_csv"},         {".csv.gz", "read_csv"},
                               {".csv.zst", "read_csv"},     {".tsv.gz", "read_csv"},
                               {".jsonl", "read_json_auto"}, {".ndjson", "read_json_auto"},
                               {".json", "read_json_auto"},  {".jsonl.gz", "read_json_auto"}};

const Format* format_of(const std::string& path) {
  const Format* best = nullptr;
  for (const auto& each : kFormats)
    if (path.ends_with(each.ending) && (best == nullptr || each.ending.size() > best->ending.size())) best = &each;
  return best;
}

std::string relation_of(std::string_view reader, const std::vector<std::string>& files) {
  std::vector<std::string> quoted;
  for (const auto& file : files) quoted.push_back(engine::quote_text(file));
  const bool several = files.size() > 1;
  return fmt::format("{}([{}]{})", reader, fmt::join(quoted, ", "), several ? ", union_by_name = true" : "");
}

std::string stem_of(const std::string& path) {
  const auto name = path.substr(path.rfind('/') + 1);
  return name.substr(0, name.find('.'));
}

// The tracked path that a name means.
Result<std::pair<std::string, Entry>> named(const TrackedPaths& paths, const VersionName& name, const Fetch& fetch) {
  if (const auto found = paths.find(name.name); found != paths.end()) return std::pair(found->first, found->second);
  std::vector<std::pair<std::string, Entry>> matches;
  std::vector<std::string> known;
  for (const auto& [path, entry] : paths) {
    known.push_back(path);
    known.push_back(stem_of(path));
    if (stem_of(path) == name.name) matches.emplace_back(path, entry);
    if (!name.name.starts_with(path + "/")) continue;
    MILLRACE_DO(each_file(entry, fetch, [&, &path = path](const std::string& below, const Entry& file) -> Result<void> {
      if (path + "/" + below == name.name) matches.emplace_back(name.name, file);
      return {};
    }));
  }
  if (matches.size() == 1) return matches.front();
  if (matches.size() > 1)
    return Error{Code::invalid, fmt::format("'{}' means more than one of what {} holds: {} and {}", name.name, name.ref,
                                            matches[0].first, matches[1].first)}
        .hint(fmt::format("write the path: \"{}\"@{}", matches[0].first, name.ref));
  const auto near = did_you_mean(name.name, known);
  return Error{Code::not_found, fmt::format("{} holds no '{}'", name.ref, name.name)}.hint(
      near ? fmt::format("did you mean '{}'?", *near) : "millrace data log shows what it holds");
}

}  // namespace

bool is_table(const std::string& path) { return format_of(path) != nullptr; }

Result<TableFiles> Tables::find(const VersionName& name) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(name.ref.data(), name.ref.data() + name.ref.size(), number);
  const History history(workspace_);
  const auto digest = history.resolve(name.ref);
  if (!digest && error == std::errc() && end == name.ref.data() + name.ref.size()) {
    MILLRACE_TRY(const auto files, find_dataset_(name.name, number));
    return of_dataset(files);
  }
  if (!digest) return digest.error();
  MILLRACE_TRY(const auto snapshot, history.snapshot(*digest));
  if (const auto dataset = snapshot.datasets.find(name.name); dataset != snapshot.datasets.end())
    return of_dataset(dataset->second);
  MILLRACE_TRY(const auto found, named(snapshot.paths, name, workspace_.fetch()));
  return of_entry(found.first, found.second);
}

Result<TableFiles> Tables::of_dataset(const std::vector<DatasetFile>& files) const {
  TableFiles out;
  for (const auto& each : files) {
    MILLRACE_TRY(const auto digest, read_digest(each.file));
    const auto path = fmt::format("{}/{}/{}", blobs_, digest.hex().substr(0, 2), digest.hex());
    if (blobs_.empty() || !exists(path))
      return Error{Code::not_found, fmt::format("the rows of {} are not in this state folder", each.node)}.at(
          {.file = path});
    MILLRACE_TRY(const auto found, digest_of_file(path));
    if (found != each.file)
      return Error{Code::corrupt, fmt::format("the rows of {} are not those that were stored", each.node)}.at(
          {.file = path});
    out.files.push_back(path);
  }
  out.relation = relation_of("read_parquet", out.files);
  return out;
}

// A name with the right ending, which tells the engine how to read it.
Result<std::string> Tables::place(const Entry& entry, const std::string& name) {
  const auto path = fmt::format("{}/{}{}", scratch_, ++number_, format_of(name)->ending);
  // A read-only session may read a link to the store's own file; it is gone when the query is.
  MILLRACE_TRY(const auto stamp, write_out(workspace_.objects(), entry, path, Giving::link));
  (void)stamp;
  return path;
}

Result<TableFiles> Tables::of_file(const Entry& entry, const std::string& name) {
  const auto* format = format_of(name);
  if (format == nullptr)
    return Error{Code::invalid, fmt::format("'{}' is no table that can be read", name)}.hint(
        "Parquet, CSV (.csv, .tsv, .csv.gz, .csv.zst) and JSON (.json, .jsonl, .ndjson)");
  MILLRACE_TRY(const auto path, place(entry, name));
  return TableFiles{.relation = relation_of(format->reader, {path}), .files = {path}};
}

Result<TableFiles> Tables::of_entry(const std::string& path, const Entry& entry) {
  if (is_file(entry.kind)) return of_file(entry, path);
  TableFiles out;
  std::string_view reader;
  MILLRACE_DO(each_file(entry, workspace_.fetch(), [&](const std::string& below, const Entry& file) -> Result<void> {
    const auto* format = format_of(below);
    if (format == nullptr) return {};
    if (!reader.empty() && reader != format->reader)
      return Error{Code::invalid, fmt::format("'{}' holds tables of more than one format", path)}.hint(
          fmt::format("name one file: \"{}/{}\"@VERSION", path, below));
    if (out.files.size() >= kFiles)
      return Error{Code::too_large, fmt::format("'{}' holds more than {} files of a table", path, kFiles)};
    reader = format->reader;
    MILLRACE_TRY(const auto placed, place(file, below));
    out.files.push_back(placed);
    return {};
  }));
  if (out.files.empty()) return Error{Code::invalid, fmt::format("'{}' holds no table that can be read", path)};
  out.relation = relation_of(reader, out.files);
  return out;
}

}  // namespace millrace::versions
