// A file of rows that a command was given: Parquet, or stage:STAGE/FILE for an out of the pipeline.
#pragma once
#include <string>

#include "cli/command.h"

namespace millrace::cli {

struct RowsFile {
  std::string path;    // absolute
  std::string digest;  // of its bytes
  // How requests that are made from it are named: "<first 12 hex of the digest>:<row>", rows from 0.
  std::string request_id(int64_t row) const;
  // The row, below `rows`, of a request that was made from this file; -1 for any other id.
  int64_t row_of(std::string_view id, size_t rows) const;
};

// Whether finding it needs the gateway.
bool is_stage_file(const std::string& word);
Result<RowsFile> find_rows_file(Gateway* gateway, const std::string& word);

}  // namespace millrace::cli
