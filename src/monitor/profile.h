// What a file of rows looks like, column by column: the frozen side of every comparison.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "monitor/window/counting.h"

namespace millrace::monitor {

inline constexpr int64_t kBins = 10;           // of numbers; fewer distinct values have a bin each
inline constexpr int64_t kCategories = 50;     // of texts, the most frequent first
inline constexpr size_t kMostColumns = 1'000;  // of one file

struct ColumnProfile {
  Bins bins;
  ColumnCounts counts;
};

struct Profile {
  std::vector<ColumnProfile> columns;  // numbers, booleans and texts, in the file's order; others are left out
  std::optional<double> missing;       // what counted as null

  const ColumnProfile* find(std::string_view column) const;  // letters' case ignored, as SQL does
  // {missing, columns: [{column, text, edges, categories, center, scale, counts, n, mean, deviation, null_rate}]}
  Json to_json() const;
  static Result<Profile> of_json(const Json& json);  // `corrupt` unless it is what to_json() wrote
};

struct ProfileRequest {
  std::string path;  // a Parquet file
  std::string temp_folder;
  std::optional<double> missing;
  std::vector<std::string> only;  // these columns; empty = all
};
// The same bytes give the same profile. Edges are values of the column: even_edges() over its 1000 even quantiles.
// `too_large` over kMostColumns.
Result<Profile> profile_file(engine::Engines& engines, const ProfileRequest& request);

}  // namespace millrace::monitor
