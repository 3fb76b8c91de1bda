#include "data/rows/parquet_rows.h"

#include <arrow/api.h>
#include <arrow/compute/cast.h>
#include <arrow/io/file.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>

#include <fmt/format.h>

#include "data/inputs/parquet_damage.h"

namespace millrace::data {
namespace {

using arrow::Array;
using arrow::Type;
using Get = Cell (*)(const Array& array, int64_t row);

constexpr int64_t kBatch = 1'024;  // rows: their texts can be long
constexpr int64_t kDay = 86'400'000'000;

template <class ArrayType>
Cell integer_at(const Array& array, int64_t row) {
  return Cell::of(static_cast<int64_t>(static_cast<const ArrayType&>(array).Value(row)));
}

// Beyond a signed integer it is beyond every value of one.
Cell unsigned_at(const Array& array, int64_t row) {
  const uint64_t value = static_cast<const arrow::UInt64Array&>(array).Value(row);
  return value >> 63U == 0 ? Cell::of(static_cast<int64_t>(value)) : Cell::of(static_cast<double>(value));
}

template <class ArrayType>
Cell number_at(const Array& array, int64_t row) {
  return Cell::of(static_cast<double>(static_cast<const ArrayType&>(array).Value(row)));
}

template <class ArrayType>
Cell text_at(const Array& array, int64_t row) {
  return Cell::of(std::string_view(static_cast<const ArrayType&>(array).GetView(row)));
}

Cell boolean_at(const Array& array, int64_t row) {
  return Cell::of_boolean(static_cast<const arrow::BooleanArray&>(array).Value(row));
}

Cell date_at(const Array& array, int64_t row) {
  return Cell::of(Cell::Kind::date, int64_t{static_cast<const arrow::Date32Array&>(array).Value(row)} * kDay);
}

Cell timestamp_at(const Array& array, int64_t row) {
  return Cell::of(Cell::Kind::timestamp, static_cast<const arrow::TimestampArray&>(array).Value(row));
}

Cell time_at(const Array& array, int64_t row) {
  return Cell::of(Cell::Kind::time, static_cast<const arrow::Time64Array&>(array).Value(row));
}

Cell nested_at(const Array&, int64_t) {
  Cell cell;
  cell.kind = Cell::Kind::other, cell.text = "null";
  return cell;
}

Cell nothing_at(const Array&, int64_t) { return {}; }

// The form in which a column is read, and what its values become first.
struct Form {
  std::shared_ptr<arrow::DataType> as;  // nullptr: as they are
  Get get;
};

std::optional<Form> form_of(const arrow::DataType& type) {
  switch (type.id()) {
    case Type::NA: return Form{nullptr, nothing_at};
    case Type::BOOL: return Form{nullptr, boolean_at};
    case Type::INT8: return Form{nullptr, integer_at<arrow::Int8Array>};
    case Type::INT16: return Form{nullptr, integer_at<arrow::Int16Array>};
    case Type::INT32: return Form{nullptr, integer_at<arrow::Int32Array>};
    case Type::INT64: return Form{nullptr, integer_at<arrow::Int64Array>};
    case Type::UINT8: return Form{nullptr, integer_at<arrow::UInt8Array>};
    case Type::UINT16: return Form{nullptr, integer_at<arrow::UInt16Array>};
    case Type::UINT32: return Form{nullptr, integer_at<arrow::UInt32Array>};
    case Type::UINT64: return Form{nullptr, unsigned_at};
    case Type::HALF_FLOAT: return Form{arrow::float32(), number_at<arrow::FloatArray>};
    case Type::FLOAT: return Form{nullptr, number_at<arrow::FloatArray>};
    case Type::DOUBLE: return Form{nullptr, number_at<arrow::DoubleArray>};
    case Type::DECIMAL32:
    case Type::DECIMAL64:
    case Type::DECIMAL128:
    case Type::DECIMAL256: return Form{arrow::float64(), number_at<arrow::DoubleArray>};
    case Type::STRING:
    case Type::BINARY: return Form{nullptr, text_at<arrow::BinaryArray>};
    case Type::LARGE_STRING:
    case Type::LARGE_BINARY: return Form{nullptr, text_at<arrow::LargeBinaryArray>};
    case Type::DICTIONARY: return Form{arrow::utf8(), text_at<arrow::BinaryArray>};
    case Type::DATE32: return Form{nullptr, date_at};
    case Type::DATE64: return Form{arrow::date32(), date_at};
    case Type::TIMESTAMP: return Form{arrow::timestamp(arrow::TimeUnit::MICRO), timestamp_at};
    case Type::TIME32:
    case Type::TIME64: return Form{arrow::time64(arrow::TimeUnit::MICRO), time_at};
    case Type::LIST:
    case Type::LARGE_LIST:
    case Type::FIXED_SIZE_LIST:
    case Type::STRUCT:
    case Type::MAP: return Form{nullptr, nested_at};
    default: return std::nullopt;
  }
}

class ParquetRows final : public RowReader {
 public:
  explicit ParquetRows(std::string path, std::string label) : path_(std::move(path)), label_(std::move(label)) {}

  Result<void> open() {
    try {
      return open_file();
    } catch (const std::exception& error) {
      return damaged(error.what());
    }
  }

  Result<bool> next(Row& row) override {
    while (batch_ == nullptr || at_ == batch_->num_rows()) {
      MILLRACE_TRY(const bool any, next_batch());
      if (!any) return false;
    }
    for (size_t i = 0; i < arrays_.size(); ++i)
      cells_[i] = arrays_[i]->IsNull(at_) ? Cell{} : forms_[i].get(*arrays_[i], at_);
    ++at_;
    row = cells_;
    return true;
  }

 private:
  Error damaged(const std::string& why) const {
    const auto where = damaged_part(path_);
    return Error{Code::corrupt, fmt::format("the Parquet file cannot be read{}: {}",
                                            where.empty() ? "" : " in " + where, why.substr(0, 300))}
        .at({.file = label_})
        .hint("copy or write the file again");
  }

  Result<void> open_file() {
    auto file = arrow::io::ReadableFile::Open(path_);
    if (!file.ok()) return damaged(file.status().message());
    parquet::arrow::FileReaderBuilder builder;
    if (const auto opened = builder.Open(*file); !opened.ok()) return damaged(opened.message());
    parquet::ArrowReaderProperties properties(false);
    properties.set_batch_size(kBatch);
    auto reader = builder.properties(properties)->Build();
    if (!reader.ok()) return damaged(reader.status().message());
    reader_ = std::move(*reader);
    auto batches = reader_->GetRecordBatchReader();
    if (!batches.ok()) return damaged(batches.status().message());
    batches_ = std::move(*batches);
    for (const auto& field : batches_->schema()->fields()) {
      const auto form = form_of(*field->type());
      if (!form)
        return Error{Code::unsupported, fmt::format("the column '{}' has the type {}, which is not read row by row",
                                                    field->name(), field->type()->ToString())}
            .at({.file = label_})
            .hint("check the file with --engine duckdb");
      forms_.push_back(*form);
    }
    cells_.resize(forms_.size());
    return {};
  }

  Result<bool> next_batch() {
    try {
      if (const auto read = batches_->ReadNext(&batch_); !read.ok()) return damaged(read.message());
    } catch (const std::exception& error) {
      return damaged(error.what());
    }
    if (batch_ == nullptr) return false;
    at_ = 0;
    arrays_.clear();
    for (size_t i = 0; i < forms_.size(); ++i) {
      auto array = batch_->column(static_cast<int>(i));
      if (forms_[i].as != nullptr && !array->type()->Equals(*forms_[i].as)) {
        auto cast = arrow::compute::Cast(*array, forms_[i].as, arrow::compute::CastOptions::Unsafe());
        if (!cast.ok()) return damaged(cast.status().message());
        array = *cast;
      }
      arrays_.push_back(std::move(array));
    }
    return true;
  }

  std::string path_, label_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::shared_ptr<arrow::RecordBatchReader> batches_;
  std::shared_ptr<arrow::RecordBatch> batch_;
  std::vector<std::shared_ptr<Array>> arrays_;
  std::vector<Form> forms_;
  std::vector<Cell> cells_;
  int64_t at_ = 0;
};

}  // namespace

Result<std::unique_ptr<RowReader>> open_parquet_rows(const InputFile& file) {
  auto rows = std::make_unique<ParquetRows>(file.path, file.label);
  MILLRACE_DO(rows->open());
  return std::unique_ptr<RowReader>(std::move(rows));
}

}  // namespace millrace::data
