#include <algorithm>

#include <fmt/format.h>

#include "api/scoring/frame.h"
#include "core/codes/utf8.h"
#include "core/limits.h"

namespace millrace::api::scoring {
namespace {

Error bad(std::string message) { return Error{Code::invalid, std::move(message)}; }

// Steps over the fields of RFC 4180; a line may end with LF or CR LF, and blank lines are none.
class Fields {
 public:
  Fields(std::string_view text, std::deque<std::string>& unescaped) : left_(text), unescaped_(unescaped) {}

  // The next record; false at the end.
  Result<bool> next(std::vector<std::string_view>& out) {
    out.clear();
    while (left_.starts_with('\n') || left_.starts_with("\r\n")) left_.remove_prefix(left_[0] == '\r' ? 2 : 1);
    if (left_.empty()) return false;
    while (true) {
      MILLRACE_TRY(const auto field, one());
      out.push_back(field);
      if (left_.starts_with(',')) {
        left_.remove_prefix(1);
        continue;
      }
      if (left_.starts_with("\r\n")) left_.remove_prefix(1);
      if (left_.empty()) return true;
      if (left_[0] != '\n') return bad("A quoted field of the CSV text is followed by more.");
      left_.remove_prefix(1);
      return true;
    }
  }

 private:
  Result<std::string_view> one() {
    if (!left_.starts_with('"')) {
      auto field = left_.substr(0, left_.find_first_of(",\n"));
      left_.remove_prefix(field.size());
      if (field.ends_with('\r') && left_.starts_with('\n')) field.remove_suffix(1);
      return field;
    }
    std::string text;
    for (left_.remove_prefix(1);;) {
      const auto quote = left_.find('"');
      if (quote == std::string_view::npos) return bad("A quote in the CSV text is not closed.");
      text += left_.substr(0, quote);
      left_.remove_prefix(quote + 1);
      if (!left_.starts_with('"')) break;
      text += '"';
      left_.remove_prefix(1);
    }
    return std::string_view(unescaped_.emplace_back(std::move(text)));
  }

  std::string_view left_;
  std::deque<std::string>& unescaped_;
};

}  // namespace

Result<Frame> read_csv(std::string_view body) {
  if (!is_utf8(body)) return bad("Ensure that input is a valid UTF-8 encoded string.");
  Frame out;
  Fields fields(body, out.bytes);
  std::vector<std::string_view> record;
  MILLRACE_TRY(const bool has_head, fields.next(record));
  if (!has_head) return bad("The CSV text has no line that names the columns.");
  if (record.size() > limits::json_keys) return bad(fmt::format("There are more than {} columns.", limits::json_keys));
  for (const auto name : record) out.columns.push_back({.name = std::string(name.substr(0, limits::name_bytes))});
  int64_t rows = 0;
  while (true) {
    MILLRACE_TRY(const bool more, fields.next(record));
    if (!more) break;
    if (record.size() != out.columns.size())
      return bad(fmt::format("Row {} has {} values, there are {} columns.", rows, record.size(), out.columns.size()));
    for (size_t i = 0; i < record.size(); ++i) {
      Scalar value;
      value.kind = Scalar::Kind::field;
      value.text = record[i];
      out.columns[i].values.push_back(value);
    }
    ++rows;
  }
  for (auto& column : out.columns) column.shape.push(rows);
  return out;
}

}  // namespace millrace::api::scoring
