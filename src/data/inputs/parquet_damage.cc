#include "data/inputs/parquet_damage.h"

#include <arrow/io/file.h>
#include <arrow/memory_pool.h>
#include <arrow/table.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include <fmt/format.h>

namespace millrace::data {
namespace {

bool reads(parquet::arrow::FileReader& reader, int group, int column) {
  try {
    std::shared_ptr<arrow::ChunkedArray> values;
    return reader.RowGroup(group)->Column(column)->Read(&values).ok();
  } catch (const std::exception&) {
    return false;
  }
}

std::string find_part(const std::string& path) {
  auto file = arrow::io::ReadableFile::Open(path);
  if (!file.ok()) return "";
  parquet::arrow::FileReaderBuilder builder;
  if (!builder.Open(*file).ok()) return "its footer";
  auto reader = builder.Build();
  if (!reader.ok()) return "its footer";
  const auto& manifest = (*reader)->manifest();
  for (int group = 0; group < (*reader)->num_row_groups(); ++group)
    for (int column = 0; column < static_cast<int>(manifest.schema_fields.size()); ++column)
      if (!reads(**reader, group, column))
        return fmt::format("row group {}, column '{}'", group + 1,
                           manifest.schema_fields[static_cast<size_t>(column)].field->name());
  return "";
}

}  // namespace

std::string damaged_part(const std::string& path) {
  try {
    return find_part(path);
  } catch (const std::exception&) {
    return "its footer";
  }
}

}  // namespace millrace::data
