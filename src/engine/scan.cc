#include "engine/scan.h"

#include <arrow/c/abi.h>
#include <fmt/format.h>

#include <optional>
#include <string>

#include "engine/engine.h"

namespace millrace::engine {
namespace {

// Arrow's C structs are freed by their own functions.
template <class Struct>
struct Held {
  Struct value{};
  Held() = default;
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() { clear(); }
  void clear() {
    if (value.release != nullptr) value.release(&value);
    value.release = nullptr;
  }
};

// Texts with 64-bit offsets: some thousands of long ones are more than 2 GiB.
std::optional<ScanColumn::Kind> kind_of(std::string_view format) {
  if (format == "l" || format == "L") return ScanColumn::Kind::integer;
  if (format == "g") return ScanColumn::Kind::number;
  if (format == "U") return ScanColumn::Kind::text;
  if (format == "b") return ScanColumn::Kind::boolean;
  return std::nullopt;
}

}  // namespace

class ScanReader {
 public:
  Result<void> read(ArrowArrayStream* stream, const TakeRows& take) {
    Held<ArrowSchema> schema;
    if (stream->get_schema(stream, &schema.value) != 0) return failed(stream);
    MILLRACE_DO(start(schema.value));
    while (true) {
      Held<ArrowArray> rows;
      if (stream->get_next(stream, &rows.value) != 0) return failed(stream);
      if (rows.value.release == nullptr) return {};
      for (size_t i = 0; i < columns_.size(); ++i)
        point(columns_[i], *rows.value.children[i], rows.value.offset, rows.value.length);
      MILLRACE_DO(take(columns_));
    }
  }

 private:
  static Error failed(ArrowArrayStream* stream) {
    const char* text = stream->get_last_error(stream);
    return Error{Code::invalid, text == nullptr ? "the engine's rows cannot be read" : text};
  }

  Result<void> start(const ArrowSchema& schema) {
    for (int64_t i = 0; i < schema.n_children; ++i) {
      const auto& column = *schema.children[i];
      const auto kind = column.dictionary == nullptr ? kind_of(column.format) : std::nullopt;
      if (!kind)
        return Error{Code::invalid, fmt::format("the column '{}' is of Arrow's type '{}'", column.name, column.format)}
            .hint("cast it to BIGINT, DOUBLE, VARCHAR or BOOLEAN in the query");
      columns_.emplace_back().kind_ = *kind;
    }
    return {};
  }

  static void point(ScanColumn& column, const ArrowArray& array, int64_t offset, int64_t rows) {
    column.rows_ = static_cast<size_t>(rows);
    column.first_ = static_cast<size_t>(array.offset + offset);
    column.present_ = array.null_count == 0 ? nullptr : static_cast<const uint8_t*>(array.buffers[0]);
    column.values_ = array.buffers[1];
    column.texts_ = column.kind_ == ScanColumn::Kind::text ? static_cast<const char*>(array.buffers[2]) : nullptr;
  }

  std::vector<ScanColumn> columns_;
};

Scanner* scanner_of(Engine& engine) { return dynamic_cast<Scanner*>(&engine); }

Result<void> read_stream(ArrowArrayStream* stream, const TakeRows& take) {
  Held<ArrowArrayStream> held;
  held.value = *stream;
  stream->release = nullptr;
  return ScanReader().read(&held.value, take);
}

}  // namespace millrace::engine
