// check_batch() (data/check.h) row by row: the same rules and report without an engine's scan, for one thread and in
// fixed memory. Rows are judged and not parted: `out_folder` is refused.
#pragma once
#include "core/reader.h"
#include "data/check.h"

namespace millrace::data {

// Rows that come in place of files: CSV or JSON lines in UTF-8. What is not said of them is found out from the first
// line alone, so that nothing has to wait for more. In JSON lines a text is never a number, however it looks.
struct RowStream {
  Reader* bytes = nullptr;
  Reading reading;
  std::string label = "standard input";
};

// `session` is DuckDB's: it reads headers, conditions and references; no row passes through it. With `stream` the
// request has no files. An Error for what cannot be read, and for rules that do not run on "row" with their place.
Result<CheckReport> check_rows(engine::Engine& session, const CheckRequest& request, const RowStream* stream = nullptr);

}  // namespace millrace::data
