#include "data/inputs/csv_check.h"

#include <cerrno>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "core/files.h"

namespace millrace::data {
namespace {

constexpr size_t kChunk = 1 << 20;
constexpr std::string_view kMark = "\xEF\xBB\xBF";

class Scan {
 public:
  Scan(const std::string& label, const CsvDialect& dialect, size_t columns)
      : label_(label), dialect_(dialect), columns_(columns) {}

  Result<void> take(std::string_view bytes) {
    for (const char c : bytes) {
      if (state_ == State::quoted) {
        if (c == dialect_.quote) state_ = State::closed;
      } else if (c == '\n' || c == '\r') {
        // \r\n ends one record.
        if (c == '\n' && last_ == '\r' && state_ == State::start && fields_ == 1) {
          last_ = c;
          continue;
        }
        MILLRACE_DO(end_record());
      } else if (c == dialect_.delimiter) {
        ++fields_;
        state_ = State::field;
        empty_ = false;
      } else if (is_quote(c) && (state_ == State::start || state_ == State::field)) {
        state_ = State::quoted;
        empty_ = false;
      } else if (is_quote(c) && state_ == State::closed) {
        state_ = State::quoted;
      } else if (state_ == State::closed) {
        return broken("a quoted field does not end as it should", "double the quotes inside a quoted field");
      } else {
        state_ = State::plain;
        empty_ = false;
      }
      if (c == '\n') ++line_;
      last_ = c;
    }
    return {};
  }

  Result<void> finish() {
    if (state_ == State::quoted)
      return broken("a quoted field does not end as it should", "double the quotes inside a quoted field");
    return empty_ && state_ == State::start ? Result<void>{} : end_record();
  }

  Error broken(std::string why, std::string way_out) const {
    return Error{Code::invalid, std::move(why)}.at({.file = label_, .line = line_}).hint(std::move(way_out));
  }

 private:
  enum class State { start, field, plain, quoted, closed };  // field: behind a separator

  bool is_quote(char c) const { return dialect_.quote != '\0' && c == dialect_.quote; }

  Result<void> end_record() {
    if (empty_ && columns_ == 1)
      return Error{Code::unsupported, "Spark skips an empty line, which is a missing value in a file of one column"}
          .at({.file = label_, .line = line_})
          .hint("write the file as Parquet, or check it with --engine duckdb");
    if (!empty_ && fields_ != columns_)
      return broken(fmt::format("the line has {} fields, the header {}", fields_, columns_),
                    "repair the line, or quote fields that hold the separator");
    fields_ = 1;
    state_ = State::start;
    empty_ = true;
    return {};
  }

  const std::string& label_;
  const CsvDialect& dialect_;
  const size_t columns_;
  State state_ = State::start;
  size_t fields_ = 1;
  bool empty_ = true;
  char last_ = 0;
  int line_ = 1;
};

}  // namespace

Result<void> check_csv(const std::string& path, const std::string& label, const CsvDialect& dialect, size_t columns) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) return file_error("opening", label, errno);
  Scan scan(label, dialect, columns);
  std::string chunk(kChunk, '\0');
  for (bool first = true;; first = false) {
    const size_t got = std::fread(chunk.data(), 1, kChunk, file.get());
    if (got == 0 && std::ferror(file.get()) != 0) return file_error("reading", label, EIO);
    std::string_view text(chunk.data(), got);
    if (first && text.starts_with(kMark)) text.remove_prefix(kMark.size());
    MILLRACE_DO(scan.take(text));
    if (got == 0) return scan.finish();
  }
}

}  // namespace millrace::data
