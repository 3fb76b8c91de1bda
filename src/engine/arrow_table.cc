#include "engine/arrow_table.h"

#include <arrow/api.h>
#include <arrow/c/bridge.h>
#include <arrow/extension_type.h>
#include <arrow/util/decimal.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "core/clock.h"

namespace millrace::engine {
namespace {

using arrow::Array;
using arrow::DataType;
using arrow::Type;

Error from_arrow(const arrow::Status& status) {
  return Error{status.IsOutOfMemory() ? Code::too_large : Code::invalid, status.message()};
}

Error too_wide(std::string_view column, const std::string& value) {
  return Error{Code::invalid, fmt::format("the whole number {} does not fit in 64 bits", value)}
      .at_field(std::string(column))
      .hint("cast the column to DOUBLE or VARCHAR in the query");
}

const DataType& storage(const DataType& type) {
  return type.id() == Type::EXTENSION ? *static_cast<const arrow::ExtensionType&>(type).storage_type() : type;
}

template <class ArrayType>
auto value_of(const Array& array, int64_t row) {
  return static_cast<const ArrayType&>(array).GetView(row);
}

// Dividing towards the past, so that a time before 1970 is cut as one after it.
int64_t floor_divide(int64_t value, int64_t by) { return value / by - (value % by != 0 && value < 0 ? 1 : 0); }

Result<int64_t> in_micros(int64_t value, arrow::TimeUnit::type unit) {
  int64_t out = value;
  if (unit == arrow::TimeUnit::NANO) return floor_divide(value, 1000);
  const int64_t factor = unit == arrow::TimeUnit::SECOND ? 1'000'000 : unit == arrow::TimeUnit::MILLI ? 1000 : 1;
  if (__builtin_mul_overflow(value, factor, &out))
    return Error{Code::invalid, fmt::format("the time {} is out of range", value)};
  return out;
}

std::string decimal_text(const Array& array, int64_t row) {
  return static_cast<const arrow::Decimal128Array&>(array).FormatValue(row);
}

Result<int64_t> whole_decimal(const Array& array, int64_t row) {
  const arrow::Decimal128 value(static_cast<const arrow::Decimal128Array&>(array).GetValue(row));
  const auto narrow = value.ToInteger<int64_t>();
  if (!narrow.ok()) return too_wide("", decimal_text(array, row));
  return *narrow;
}

Result<int64_t> whole(const Array& array, int64_t row) {
  const DataType& type = *array.type();
  switch (type.id()) {
    case Type::BOOL: return value_of<arrow::BooleanArray>(array, row) ? 1 : 0;
    case Type::INT8: return value_of<arrow::Int8Array>(array, row);
    case Type::INT16: return value_of<arrow::Int16Array>(array, row);
    case Type::INT32: return value_of<arrow::Int32Array>(array, row);
    case Type::INT64: return value_of<arrow::Int64Array>(array, row);
    case Type::UINT8: return value_of<arrow::UInt8Array>(array, row);
    case Type::UINT16: return value_of<arrow::UInt16Array>(array, row);
    case Type::UINT32: return value_of<arrow::UInt32Array>(array, row);
    case Type::UINT64: {
      const uint64_t value = value_of<arrow::UInt64Array>(array, row);
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
        return too_wide("", fmt::format("{}", value));
      return static_cast<int64_t>(value);
    }
    case Type::DECIMAL128: return whole_decimal(array, row);
    case Type::DATE32: return value_of<arrow::Date32Array>(array, row);
    case Type::DATE64: return floor_divide(value_of<arrow::Date64Array>(array, row), 86'400'000);
    case Type::TIMESTAMP:
      return in_micros(value_of<arrow::TimestampArray>(array, row),
                       static_cast<const arrow::TimestampType&>(type).unit());
    case Type::TIME32:
      return in_micros(value_of<arrow::Time32Array>(array, row), static_cast<const arrow::Time32Type&>(type).unit());
    case Type::TIME64:
      return in_micros(value_of<arrow::Time64Array>(array, row), static_cast<const arrow::Time64Type&>(type).unit());
    default: return Error{Code::internal, "not a whole number: " + type.ToString()};
  }
}

double real(const Array& array, int64_t row) {
  switch (array.type_id()) {
    case Type::FLOAT: return value_of<arrow::FloatArray>(array, row);
    case Type::DOUBLE: return value_of<arrow::DoubleArray>(array, row);
    default: {
      const auto& type = static_cast<const arrow::Decimal128Type&>(*array.type());
      return arrow::Decimal128(static_cast<const arrow::Decimal128Array&>(array).GetValue(row)).ToDouble(type.scale());
    }
  }
}

std::string text(const Array& array, int64_t row) {
  switch (array.type_id()) {
    case Type::STRING:
    case Type::BINARY: return std::string(value_of<arrow::BinaryArray>(array, row));
    case Type::LARGE_STRING:
    case Type::LARGE_BINARY: return std::string(value_of<arrow::LargeBinaryArray>(array, row));
    case Type::STRING_VIEW:
    case Type::BINARY_VIEW: return std::string(value_of<arrow::BinaryViewArray>(array, row));
    case Type::FIXED_SIZE_BINARY: return std::string(value_of<arrow::FixedSizeBinaryArray>(array, row));
    case Type::DICTIONARY: {
      const auto& coded = static_cast<const arrow::DictionaryArray&>(array);
      return text(*coded.dictionary(), coded.GetValueIndex(row));
    }
    default: {
      const auto scalar = array.GetScalar(row);
      return scalar.ok() ? (*scalar)->ToString() : "";
    }
  }
}

std::string_view type_name(const DataType& type) {
  switch (type.id()) {
    case Type::BOOL: return "boolean";
    case Type::INT8:
    case Type::INT16:
    case Type::INT32:
    case Type::INT64:
    case Type::UINT8:
    case Type::UINT16:
    case Type::UINT32:
    case Type::UINT64: return "integer";
    case Type::DECIMAL128: return static_cast<const arrow::Decimal128Type&>(type).scale() == 0 ? "integer" : "number";
    case Type::FLOAT:
    case Type::DOUBLE: return "number";
    case Type::DATE32:
    case Type::DATE64: return "date";
    case Type::TIMESTAMP: return "timestamp";
    case Type::TIME32:
    case Type::TIME64: return "time";
    case Type::BINARY:
    case Type::LARGE_BINARY:
    case Type::BINARY_VIEW:
    case Type::FIXED_SIZE_BINARY: return "bytes";
    case Type::LIST:
    case Type::LARGE_LIST:
    case Type::FIXED_SIZE_LIST:
    case Type::STRUCT:
    case Type::MAP: return "nested";
    default: return "text";
  }
}

Result<Json> nested(const Array& array, int64_t row);

Result<Json> items(const Array& values, int64_t from, int64_t count) {
  Json out = Json::array();
  for (int64_t i = from; i < from + count; ++i) {
    MILLRACE_TRY(Json item, nested(values, i));
    out.push_back(std::move(item));
  }
  return out;
}

template <class ListArray>
Result<Json> items_of(const Array& array, int64_t row) {
  const auto& list = static_cast<const ListArray&>(array);
  return items(*list.values(), list.value_offset(row), list.value_length(row));
}

Result<Json> fields_of(const Array& array, int64_t row) {
  const auto& record = static_cast<const arrow::StructArray&>(array);
  Json out = Json::object();
  for (int i = 0; i < record.num_fields(); ++i) {
    MILLRACE_TRY(out[record.struct_type()->field(i)->name()], nested(*record.field(i), row));
  }
  return out;
}

// A leaf goes through a table of one cell, so that nested values look as plain ones do.
Result<Json> leaf(const Array& array, int64_t row) {
  const std::string type(type_name(*array.type()));
  Table::Values values;
  if (type == "number") {
    values = std::vector<double>{real(array, row)};
  } else if (type == "text" || type == "bytes") {
    values = std::vector<std::string>{text(array, row)};
  } else {
    MILLRACE_TRY(const int64_t value, whole(array, row));
    values = std::vector<int64_t>{value};
  }
  return Table({{"", type, {1}, std::move(values)}}).json(0, 0);
}

Result<Json> nested(const Array& array, int64_t row) {
  if (array.IsNull(row)) return Json(nullptr);
  switch (array.type_id()) {
    case Type::EXTENSION: return nested(*static_cast<const arrow::ExtensionArray&>(array).storage(), row);
    case Type::MAP:
    case Type::LIST: return items_of<arrow::ListArray>(array, row);
    case Type::LARGE_LIST: return items_of<arrow::LargeListArray>(array, row);
    case Type::FIXED_SIZE_LIST: return items_of<arrow::FixedSizeListArray>(array, row);
    case Type::STRUCT: return fields_of(array, row);
    default: return leaf(array, row);
  }
}

// One column in the making; counts the bytes that it holds.
class Growing {
 public:
  Growing(std::string name, const DataType& type) {
    column_.name = std::move(name);
    column_.type = type_name(storage(type));
    if (column_.type == "number") column_.values = std::vector<double>();
    if (column_.type == "text" || column_.type == "bytes" || column_.type == "nested")
      column_.values = std::vector<std::string>();
  }

  Result<void> append(const Array& given) {
    const bool wrapped = given.type_id() == Type::EXTENSION;
    const Array& array = wrapped ? *static_cast<const arrow::ExtensionArray&>(given).storage() : given;
    bytes_ += static_cast<size_t>(array.length()) * 9;
    for (int64_t row = 0; row < array.length(); ++row) {
      const bool present = !array.IsNull(row) && array.type_id() != Type::NA;
      column_.present.push_back(present ? 1 : 0);
      if (auto done = append_value(array, row, present); !done) return std::move(done).error().at_field(column_.name);
      if (bytes_ > limits::result_bytes) return {};  // the caller asks bytes()
    }
    return {};
  }

  size_t bytes() const { return bytes_; }
  Table::Column take() { return std::move(column_); }

 private:
  Result<void> append_value(const Array& array, int64_t row, bool present) {
    if (auto* numbers = std::get_if<1>(&column_.values)) {
      numbers->push_back(present ? real(array, row) : std::numeric_limits<double>::quiet_NaN());
    } else if (auto* texts = std::get_if<2>(&column_.values)) {
      std::string value;
      if (present && column_.type == "nested") {
        MILLRACE_TRY(const Json json, nested(array, row));
        value = to_text(json);
      } else if (present) {
        value = text(array, row);
      }
      bytes_ += value.size() + sizeof(std::string);
      texts->push_back(std::move(value));
    } else {
      int64_t value = 0;
      if (present) {
        MILLRACE_TRY(value, whole(array, row));
      }
      std::get<0>(column_.values).push_back(value);
    }
    return {};
  }

  Table::Column column_;
  size_t bytes_ = 0;
};

Error too_large(std::string what) {
  return Error{Code::too_large, "the result of the query has more than " + std::move(what)}.hint(
      "aggregate, add a LIMIT, or write it to a file with COPY");
}

Result<std::shared_ptr<arrow::RecordBatchReader>> import(ArrowArrayStream* stream) {
  auto reader = arrow::ImportRecordBatchReader(stream);
  if (!reader.ok()) return from_arrow(reader.status());
  return *reader;
}

std::shared_ptr<arrow::Scalar> scalar_of(const Json& value) {
  if (value.is_boolean()) return arrow::MakeScalar(value.get<bool>());
  if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    return arrow::MakeScalar(value.get<uint64_t>());
  if (value.is_number_integer()) return arrow::MakeScalar(value.get<int64_t>());
  if (value.is_number()) return arrow::MakeScalar(value.get<double>());
  if (value.is_string()) return arrow::MakeScalar(value.get<std::string>());
  return value.is_null() ? arrow::MakeNullScalar(arrow::utf8()) : nullptr;
}

}  // namespace

Result<Table> read_table(ArrowArrayStream* stream) {
  MILLRACE_TRY(const auto reader, import(stream));
  std::vector<Growing> columns;
  for (const auto& field : reader->schema()->fields()) columns.emplace_back(field->name(), *field->type());

  size_t rows = 0;
  while (true) {
    const auto batch = reader->Next();
    if (!batch.ok()) return from_arrow(batch.status());
    if (*batch == nullptr) break;
    rows += static_cast<size_t>((*batch)->num_rows());
    if (rows > limits::result_rows) return too_large(fmt::format("{} rows", limits::result_rows));
    size_t bytes = 0;
    for (size_t i = 0; i < columns.size(); ++i) {
      MILLRACE_DO(columns[i].append(*(*batch)->column(static_cast<int>(i))));
      bytes += columns[i].bytes();
      if (bytes > limits::result_bytes) return too_large(fmt::format("{} MiB", limits::result_bytes >> 20));
    }
  }
  std::vector<Table::Column> done;
  for (Growing& column : columns) done.push_back(column.take());
  return Table(std::move(done));
}

Result<int64_t> read_count(ArrowArrayStream* stream) {
  MILLRACE_TRY(const auto reader, import(stream));
  int64_t count = 0;
  bool first = true;
  while (true) {
    const auto batch = reader->Next();
    if (!batch.ok()) return from_arrow(batch.status());
    if (*batch == nullptr) return count;
    const bool counts =
        (*batch)->num_columns() > 0 && (*batch)->num_rows() > 0 && (*batch)->schema()->field(0)->name() == "Count";
    if (first && counts && (*batch)->column(0)->type_id() == Type::INT64)
      count = value_of<arrow::Int64Array>(*(*batch)->column(0), 0);
    first = false;
  }
}

Result<void> make_row(const std::vector<Json>& values, ArrowArray* array, ArrowSchema* schema) {
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto scalar = scalar_of(values[i]);
    if (scalar == nullptr)
      return Error{Code::invalid, fmt::format("parameter {} of the query is a {}", i + 1, values[i].type_name())}.hint(
          "pass null, a boolean, a number or a string");
    const auto column = arrow::MakeArrayFromScalar(*scalar, 1);
    if (!column.ok()) return from_arrow(column.status());
    fields.push_back(arrow::field(fmt::format("p{}", i + 1), scalar->type));
    columns.push_back(*column);
  }
  const auto batch = arrow::RecordBatch::Make(arrow::schema(fields), 1, columns);
  if (const auto status = arrow::ExportRecordBatch(*batch, array, schema); !status.ok()) return from_arrow(status);
  return {};
}

}  // namespace millrace::engine
