// NAME@VERSION in SQL: found outside of strings and comments and made a name that SQL knows.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace millrace::versions {

struct VersionName {
  std::string name, ref;
  std::string view() const { return name + "@" + ref; }
  bool operator==(const VersionName&) const = default;
};
// "flights@v1": `invalid` without an @ between two words.
Result<VersionName> read_version_name(const std::string& text);

struct VersionedSql {
  std::string sql;                 // FROM flights@v1 has become FROM "flights@v1"
  std::vector<VersionName> names;  // each once
};
// `flights@v1`, `"data/flights.parquet"@v1` and `"flights@v1"` are the same kind of thing.
Result<VersionedSql> find_version_names(std::string_view sql);

}  // namespace millrace::versions
