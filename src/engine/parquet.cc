#include "engine/parquet.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/util/utf8.h>
#include <errno.h>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <stdio.h>
#include <unistd.h>

#include <set>

#include "core/files.h"

namespace millrace::engine {
namespace {

constexpr size_t kGroupRows = 122'880;  // of a row group; also what one step holds twice in memory

Error from_arrow(const arrow::Status& status, const std::string& path) {
  const bool io = status.IsIOError();
  return Error{io ? Code::unavailable : Code::internal, fmt::format("writing {}: {}", path, status.message())}.at(
      Where{.file = path});
}

std::shared_ptr<arrow::DataType> arrow_type(Column::Kind kind) {
  switch (kind) {
    case Column::Kind::boolean: return arrow::boolean();
    case Column::Kind::integer: return arrow::int64();
    case Column::Kind::number: return arrow::float64();
    case Column::Kind::timestamp: return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case Column::Kind::text: break;
  }
  return arrow::utf8();
}

template <class Builder, class Value>
arrow::Result<std::shared_ptr<arrow::Array>> build(Builder builder, const Column& column, size_t from, size_t count,
                                                   Value value) {
  ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<int64_t>(count)));
  for (size_t row = from; row < from + count; ++row) {
    if (column.present()[row] != 0)
      ARROW_RETURN_NOT_OK(builder.Append(value(row)));
    else
      ARROW_RETURN_NOT_OK(builder.AppendNull());
  }
  return builder.Finish();
}

arrow::Result<std::shared_ptr<arrow::Array>> array_of(const Column& column, size_t from, size_t count) {
  const auto whole = [&](size_t row) { return column.wholes()[row]; };
  switch (column.kind()) {
    case Column::Kind::boolean:
      return build(arrow::BooleanBuilder(), column, from, count, [&](size_t row) { return column.wholes()[row] != 0; });
    case Column::Kind::integer: return build(arrow::Int64Builder(), column, from, count, whole);
    case Column::Kind::timestamp:
      return build(arrow::TimestampBuilder(arrow_type(column.kind()), arrow::default_memory_pool()), column, from,
                   count, whole);
    case Column::Kind::number:
      return build(arrow::DoubleBuilder(), column, from, count, [&](size_t row) { return column.numbers()[row]; });
    case Column::Kind::text: break;
  }
  return build(arrow::StringBuilder(), column, from, count, [&](size_t row) { return column.text(row); });
}

Result<void> check(const Columns& columns) {
  arrow::util::InitializeUTF8();
  std::set<std::string_view> names;
  for (const Column& column : columns) {
    if (!names.insert(column.name()).second)
      return Error{Code::invalid, "two columns have the name " + column.name()}.at_field(column.name());
    if (column.size() != columns[0].size())
      return Error{Code::invalid, fmt::format("column {} has {} rows, {} has {}", column.name(), column.size(),
                                              columns[0].name(), columns[0].size())}
          .at_field(column.name());
    if (column.kind() != Column::Kind::text) continue;
    for (size_t row = 0; row < column.size(); ++row) {
      const std::string_view text = column.text(row);
      if (!arrow::util::ValidateUTF8(reinterpret_cast<const uint8_t*>(text.data()), static_cast<int64_t>(text.size())))
        return Error{Code::invalid, fmt::format("row {} of column {} is not UTF-8", row, column.name())}.at_field(
            column.name());
    }
  }
  return {};
}

std::shared_ptr<arrow::Schema> schema_of(const Columns& columns) {
  arrow::FieldVector fields;
  for (const Column& column : columns) fields.push_back(arrow::field(column.name(), arrow_type(column.kind())));
  return arrow::schema(fields);
}

arrow::Status write_all(const std::string& path, const Columns& columns,
                        const std::map<std::string, std::string>& metadata) {
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::FileOutputStream::Open(path));
  const auto properties = parquet::WriterProperties::Builder()
                              .compression(parquet::Compression::ZSTD)
                              ->max_row_group_length(kGroupRows)
                              ->build();
  const auto schema = schema_of(columns);
  ARROW_ASSIGN_OR_RAISE(auto writer,
                        parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(), file, properties));
  const size_t rows = columns.empty() ? 0 : columns[0].size();
  for (size_t from = 0; from < rows; from += kGroupRows) {
    const size_t count = std::min(kGroupRows, rows - from);
    arrow::ArrayVector arrays;
    for (const Column& column : columns) {
      ARROW_ASSIGN_OR_RAISE(auto array, array_of(column, from, count));
      arrays.push_back(std::move(array));
    }
    const auto table = arrow::Table::Make(schema, arrays, static_cast<int64_t>(count));
    ARROW_RETURN_NOT_OK(writer->WriteTable(*table, kGroupRows));
  }
  if (!metadata.empty()) {
    const auto pairs = std::make_shared<arrow::KeyValueMetadata>();
    for (const auto& [key, value] : metadata) pairs->Append(key, value);
    ARROW_RETURN_NOT_OK(writer->AddKeyValueMetadata(pairs));
  }
  ARROW_RETURN_NOT_OK(writer->Close());
  return file->Close();
}

Error unreadable(const std::string& path, std::string_view why) {
  return Error{Code::invalid, fmt::format("{} is not a whole Parquet file: {}", path, why)}
      .at(Where{.file = path})
      .hint("write or fetch the file again; it may have been cut off");
}

// Every column's bytes lie between the leading mark and the footer; else bytes were lost in the middle.
Result<void> check_fit(const parquet::FileMetaData& footer, int64_t bytes, const std::string& path) {
  int64_t rows = 0;
  for (int group = 0; group < footer.num_row_groups(); ++group) {
    const auto part = footer.RowGroup(group);
    rows += part->num_rows();
    for (int i = 0; i < part->num_columns(); ++i) {
      const auto chunk = part->ColumnChunk(i);
      int64_t start = chunk->data_page_offset();
      if (chunk->has_dictionary_page() && chunk->dictionary_page_offset() > 0)
        start = std::min(start, chunk->dictionary_page_offset());
      const int64_t size = chunk->total_compressed_size();
      if (start < 4 || size < 0 || size > bytes || start > bytes - size - static_cast<int64_t>(footer.size()) - 8)
        return unreadable(path, fmt::format("column {} of row group {} lies outside of it",
                                            chunk->path_in_schema()->ToDotString(), group));
    }
  }
  if (rows != footer.num_rows())
    return unreadable(path, fmt::format("its footer speaks of {} rows, its row groups of {}", footer.num_rows(), rows));
  return {};
}

Result<ParquetInfo> info_of(const std::string& path, int64_t bytes) {
  const auto reader = parquet::ParquetFileReader::OpenFile(path, false);
  const auto footer = reader->metadata();
  MILLRACE_DO(check_fit(*footer, bytes, path));
  ParquetInfo info;
  info.rows = footer->num_rows();
  info.row_groups = footer->num_row_groups();
  info.writer = footer->created_by();
  for (int i = 0; i < footer->num_columns(); ++i)
    info.columns.push_back(footer->schema()->Column(i)->path()->ToDotString());
  if (const auto pairs = footer->key_value_metadata(); pairs != nullptr)
    for (int64_t i = 0; i < pairs->size(); ++i) info.metadata[pairs->key(i)] = pairs->value(i);
  return info;
}

}  // namespace

Result<void> write_parquet(const std::string& path, const Columns& columns,
                           const std::map<std::string, std::string>& metadata) {
  if (columns.empty()) return Error{Code::invalid, "a Parquet file needs at least one column"}.at(Where{.file = path});
  MILLRACE_DO(check(columns));
  const std::string beside = fmt::format("{}.{}.part", path, ::getpid());
  arrow::Status status;
  try {
    status = write_all(beside, columns, metadata);
  } catch (const std::exception& thrown) {
    status = arrow::Status::UnknownError(thrown.what());
  }
  Result<void> done;
  if (!status.ok()) done = from_arrow(status, path);
  if (done) done = flush_file(beside);
  if (done && ::rename(beside.c_str(), path.c_str()) != 0) done = file_error("renaming", path, errno);
  if (!done) {
    ::unlink(beside.c_str());
    return done;
  }
  return flush_folder(parent_of(path));
}

Result<ParquetInfo> read_parquet_info(const std::string& path) {
  MILLRACE_TRY(const int64_t bytes, file_size(path));
  try {
    return info_of(path, bytes);
  } catch (const std::exception& thrown) {
    return unreadable(path, thrown.what());
  }
}

Result<int64_t> parquet_rows(const std::string& path) {
  MILLRACE_TRY(const ParquetInfo info, read_parquet_info(path));
  return info.rows;
}

}  // namespace millrace::engine
