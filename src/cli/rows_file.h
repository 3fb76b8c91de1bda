// A Parquet file of rows that a command reads whole: by its path, or as stage:STAGE/FILE for an out of the pipeline.
#pragma once
#include <string>

#include "cli/command.h"
#include "engine/table.h"

namespace millrace::cli {

struct RowsFile {
  std::string path;    // absolute
  std::string digest;  // sha256 of its bytes
  engine::Table rows;

  std::string request_id(size_t row) const;  // "<first 12 digits of the digest>:<row>": one row, one request
};

// `gateway` is needed for outs of the pipeline only and may be null otherwise.
Result<RowsFile> load_rows(Invocation& in, Gateway* gateway, const std::string& word);
// The row of a request id that was made from this file; -1 when it was not.
int64_t row_of(const RowsFile& file, std::string_view request_id);

}  // namespace millrace::cli
