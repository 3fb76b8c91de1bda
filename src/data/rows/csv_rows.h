// Rows of CSV as they come, in the dialect that was found or said: what an engine's reader and data/inputs/csv_check.h
// let through. An empty field is missing.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "data/inputs/dialect.h"
#include "data/rows/row_reader.h"
#include "data/rows/text_buffer.h"

namespace millrace::data {

struct CsvForm {
  CsvDialect dialect;
  bool keep_empty = false;  // an empty field in quotes is an empty text
  bool masked = false;      // errors must not repeat what a line holds
};

class CsvRows final : public RowReader {
 public:
  // `text` must outlive it.
  CsvRows(TextBuffer& text, CsvForm form) : text_(text), form_(form) {}

  // The first record, which names the columns; nothing in an empty text. Before next().
  Result<std::optional<std::vector<std::string>>> header();
  void expect(size_t columns) { columns_ = columns; }  // fields a row has; before next(), without a header

  Result<bool> next(Row& row) override;

 private:
  struct Field {
    char* begin;
    char* end;
    bool quoted, escaped;
  };
  enum class Parsed { record, cut, broken };
  // Fields of the record at the begin of the text; `after` is behind its line end. `cut`: more text is needed.
  Parsed parse(char*& after);
  Parsed parse_quoted(char*& at, Field& field) const;
  Result<void> fill();
  Result<bool> read_record();  // fields_; false at the end
  void unescape(Field& field) const;
  Error ragged(const char* begin, const char* end) const;

  TextBuffer& text_;
  CsvForm form_;
  size_t columns_ = 0;
  std::vector<Field> fields_;
  std::vector<Cell> cells_;
  int64_t line_ = 1, lines_ = 0;  // where the record begins, and how many line ends it has
};

}  // namespace millrace::data
