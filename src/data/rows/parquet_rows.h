// Rows of a Parquet file, batch by batch through Arrow.
#pragma once
#include <memory>

#include "data/inputs/input.h"
#include "data/rows/row_reader.h"

namespace millrace::data {

// The file's columns in its order. `corrupt` names the part that is damaged.
Result<std::unique_ptr<RowReader>> open_parquet_rows(const InputFile& file);

}  // namespace millrace::data
