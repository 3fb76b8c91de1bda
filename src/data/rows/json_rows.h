// Rows of JSON lines as they come: one object a line, read by its keys.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "data/rows/row_reader.h"
#include "data/rows/text_buffer.h"

namespace millrace::data {

class JsonRows final : public RowReader {
 public:
  // `names` are the columns; `text` must outlive it.
  JsonRows(TextBuffer& text, std::vector<std::string> names);
  ~JsonRows() override;

  Result<bool> next(Row& row) override;

  const std::vector<std::string>& unknown() const { return unknown_; }  // begins of keys that are no column, up to 100
  bool has_seen(size_t column) const { return seen_[column] != 0; }

 private:
  struct Parser;
  Result<bool> next_line(std::string_view& line);
  Error bad(std::string why) const;
  size_t index_of(std::string_view key, size_t guess);

  TextBuffer& text_;
  std::vector<std::string> names_;
  std::vector<std::string> unknown_;
  std::unique_ptr<Parser> parser_;
  std::vector<Cell> cells_;
  std::vector<int64_t> seen_;        // the last row that has the key
  std::vector<std::string> nested_;  // JSON of lists and objects of the row
  int64_t rows_ = 0, line_ = 0;
  size_t used_ = 0;  // bytes of the line at hand
};

}  // namespace millrace::data
