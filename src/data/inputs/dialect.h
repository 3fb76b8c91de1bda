// The dialect of a CSV file, found from its first part: which character parts fields, which quotes them, which escapes
// a quote. Deterministic, and small on purpose: what it gets wrong is said by hand (data/inputs/reading.h).
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/inputs/reading.h"

namespace millrace::data {

struct CsvDialect {
  char delimiter = ',';
  char quote = '"';   // '\0' = none
  char escape = '"';  // the quote itself when it is doubled
};

// The delimiter is the one of , ; tab | : ^ with which most records have as many fields as the first, which has at
// least two; of equals the one with more fields, then the earlier one. A comma when none parts the first record. The
// quote is
// '"' unless only '\'' wraps fields. The escape is a backslash when `\"` stands in a quoted field and `""` in none.
// What `reading` says is not looked for. `whole`: the text is all of the file, not its first part.
CsvDialect find_dialect(std::string_view text, const Reading& reading, bool whole);

// The first record, its quotes taken off; nothing when a quote does not end. `rest` is moved behind its line end.
std::optional<std::vector<std::string>> next_record(std::string_view& rest, const CsvDialect& dialect);

}  // namespace millrace::data
