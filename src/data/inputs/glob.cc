#include "data/inputs/glob.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <tuple>

#include <fmt/format.h>

#include "core/files.h"
#include "data/inputs/inputs.h"

namespace millrace::data {
namespace {

namespace fs = std::filesystem;

constexpr size_t kEntries = 1'000'000;  // looked at of one tree

// [a-z], [!a-z]: moves both behind what they took.
bool take_class(std::string_view& pattern, char c, bool& taken) {
  const auto end = pattern.find(']', pattern.size() > 1 && (pattern[1] == '!' || pattern[1] == '^') ? 3 : 2);
  if (end == std::string_view::npos) return false;  // a bracket that does not close is a letter
  auto set = pattern.substr(1, end - 1);
  const bool not_in = set.front() == '!' || set.front() == '^';
  if (not_in) set.remove_prefix(1);
  bool in = false;
  for (size_t i = 0; i < set.size(); ++i) {
    if (i + 2 < set.size() && set[i + 1] == '-') {
      in = in || (set[i] <= c && c <= set[i + 2]);
      i += 2;
    } else {
      in = in || set[i] == c;
    }
  }
  taken = in != not_in;
  pattern.remove_prefix(end + 1);
  return true;
}

// Only the last star is ever taken back: what an earlier one took can stay, so the work is at most name x pattern.
bool match_name(std::string_view pattern, std::string_view name) {
  std::optional<std::pair<std::string_view, std::string_view>> star;  // behind it, and what it has not taken
  while (true) {
    if (!pattern.empty() && pattern.front() == '*') {
      pattern.remove_prefix(1);
      star = {pattern, name};
      continue;
    }
    bool taken = pattern.empty() && name.empty();
    if (taken) return true;
    if (!pattern.empty() && !name.empty()) {
      if (pattern.front() != '[' || !take_class(pattern, name.front(), taken)) {
        taken = pattern.front() == '?' || pattern.front() == name.front();
        pattern.remove_prefix(1);
      }
    }
    if (taken) {
      name.remove_prefix(1);
      continue;
    }
    if (!star || star->second.empty()) return false;
    star->second.remove_prefix(1);
    std::tie(pattern, name) = *star;
  }
}

std::pair<std::string_view, std::string_view> split_first(std::string_view path) {
  const auto slash = path.find('/');
  return {path.substr(0, slash), slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1)};
}

Error none_matches(const std::string& pattern) {
  return Error{Code::not_found, fmt::format("no file matches '{}'", pattern)}
      .at({.file = pattern})
      .hint("quote the pattern, so that the shell leaves it alone, and check the folder");
}

// Everything but folders below `folder`, at most `depth` names deep (0 = any): what is no file is refused when it is
// read.
Result<std::vector<std::string>> list_files(const std::string& folder, int depth) {
  std::error_code failed;
  std::vector<std::string> out;
  auto at = fs::recursive_directory_iterator(folder, fs::directory_options::follow_directory_symlink, failed);
  if (failed) return file_error("reading the folder", folder, failed.value());
  size_t seen = 0;
  for (; at != fs::recursive_directory_iterator(); at.increment(failed)) {
    if (failed) return file_error("reading the folder", folder, failed.value());
    if (++seen > kEntries || at.depth() > 32)
      return Error{Code::too_large, fmt::format("the folder holds more than {} entries, or folders 32 deep", kEntries)}
          .at({.file = folder})
          .hint("name a smaller folder");
    if (depth > 0 && at.depth() + 1 >= depth) at.disable_recursion_pending();
    if (!at->is_directory(failed)) out.push_back(at->path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

bool has_pattern(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

bool matches_pattern(std::string_view pattern, std::string_view path) {
  const auto [first, rest] = split_first(pattern);
  if (first == "**") {
    if (rest.empty()) return true;
    for (auto left = path;; left = split_first(left).second) {
      if (matches_pattern(rest, left)) return true;
      if (left.empty()) return false;
    }
  }
  const auto [name, deeper] = split_first(path);
  if (!match_name(first, name)) return false;
  if (rest.empty() || deeper.empty()) return rest.empty() && deeper.empty();
  return matches_pattern(rest, deeper);
}

std::string fixed_folder(const std::string& pattern) {
  const auto slash = pattern.rfind('/', pattern.find_first_of("*?["));
  return slash == std::string::npos ? "" : pattern.substr(0, slash);
}

bool is_hidden_name(std::string_view name) { return name.starts_with('.') || name.starts_with('_'); }

bool is_data_name(std::string_view name) {
  for (const std::string_view packed : {".gz", ".bz2", ".zst", ".lz4"})
    if (name.ends_with(packed)) {
      name.remove_suffix(packed.size());
      break;
    }
  const std::initializer_list<std::string_view> endings{".parquet", ".pq",    ".csv",    ".tsv",     ".json", ".jsonl",
                                                        ".ndjson",  ".arrow", ".arrows", ".feather", ".ipc"};
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) { return name.ends_with(ending); });
}

Result<std::vector<std::string>> find_matches(const std::string& pattern) {
  const auto folder = fixed_folder(pattern);
  if (!exists(folder.empty() ? "/" : folder)) return none_matches(pattern);
  const bool deep = pattern.find("**") != std::string::npos;
  const auto names = std::count(pattern.begin() + static_cast<int64_t>(folder.size()), pattern.end(), '/');
  MILLRACE_TRY(auto files, list_files(folder.empty() ? "/" : folder, deep ? 0 : static_cast<int>(names)));
  std::erase_if(files, [&](const std::string& file) {
    return !matches_pattern(pattern.substr(folder.size() + 1), file.substr(folder.size() + 1));
  });
  if (files.empty()) return none_matches(pattern);
  return files;
}

Result<std::vector<std::string>> find_data_files(const std::string& folder) {
  MILLRACE_TRY(const auto files, list_files(folder, 0));
  std::vector<std::string> out;
  for (const auto& file : files) {
    const auto below = file.substr(folder.size());
    if (below.find("/.") != std::string::npos || below.find("/_") != std::string::npos) continue;
    if (!is_data_name(file))
      return Error{Code::invalid, fmt::format("'{}' is not data by its name, and a folder is read whole", file)}
          .at({.file = file})
          .hint(fmt::format("say which files are meant: '{}/*.parquet'", folder));
    out.push_back(file);
  }
  if (!out.empty()) return out;
  return Error{Code::not_found, fmt::format("the folder '{}' holds no data", folder)}
      .at({.file = folder})
      .hint("files of data end in .parquet, .csv, .tsv, .jsonl, .json or .arrow, also packed (.gz, .bz2, .zst, .lz4)");
}

}  // namespace millrace::data
