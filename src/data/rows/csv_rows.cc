#include "data/rows/csv_rows.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace millrace::data {
namespace {

constexpr size_t kShownBytes = 120;

bool ends_line(char c) { return c == '\n' || c == '\r'; }

}  // namespace

// From the opening quote on; `at` ends behind the closing one.
CsvRows::Parsed CsvRows::parse_quoted(char*& at, Field& field) const {
  const auto [delimiter, quote, escape] = form_.dialect;
  const char* const end = text_.end();
  field.begin = ++at;
  field.quoted = true;
  for (; at < end; ++at) {
    if (*at != quote && *at != escape) continue;
    const bool last = at + 1 == end;
    if (last && !text_.ended()) return Parsed::cut;
    if (!last && *at == escape && (at[1] == quote || (escape != quote && at[1] == escape))) {
      field.escaped = true;
      ++at;
    } else if (*at == quote) {
      field.end = at++;
      return last || *at == delimiter || ends_line(*at) ? Parsed::record : Parsed::broken;
    }
  }
  return text_.ended() ? Parsed::broken : Parsed::cut;
}

CsvRows::Parsed CsvRows::parse(char*& after) {
  const auto [delimiter, quote, escape] = form_.dialect;
  const char* const end = text_.end();
  fields_.clear();
  char* at = text_.begin();
  while (true) {
    Field field{at, at, false, false};
    if (at < end && quote != '\0' && *at == quote) {
      if (const auto parsed = parse_quoted(at, field); parsed != Parsed::record) return parsed;
    } else {
      while (at < end && *at != delimiter && !ends_line(*at)) ++at;
      field.end = at;
    }
    fields_.push_back(field);
    if (at == end) {
      after = at;
      return text_.ended() ? Parsed::record : Parsed::cut;
    }
    const char ended_by = *at++;
    if (ended_by == delimiter) continue;
    if (ended_by == '\r' && at == end && !text_.ended()) return Parsed::cut;  // is \n to come?
    if (ended_by == '\r' && at < end && *at == '\n') ++at;
    after = at;
    return Parsed::record;
  }
}

// Until there may be a whole record: bytes that end no line are not worth another look from its begin.
Result<void> CsvRows::fill() {
  while (true) {
    const size_t looked = text_.rest().size();
    MILLRACE_DO(text_.fill(line_));
    const auto fresh = text_.rest().substr(looked);
    if (text_.ended() || fresh.find_first_of("\r\n") != std::string_view::npos) return {};
  }
}

Result<bool> CsvRows::read_record() {
  line_ += lines_;
  lines_ = 0;
  while (true) {
    char* after = nullptr;
    const auto parsed = text_.rest().empty() ? (text_.ended() ? Parsed::record : Parsed::cut) : parse(after);
    if (parsed == Parsed::cut) {
      MILLRACE_DO(fill());
      continue;
    }
    if (parsed == Parsed::broken) {
      const char* const begin = text_.begin();
      const char* at = fields_.empty() ? begin : fields_.back().end;
      return Error{Code::invalid, "a quoted field does not end as it should"}
          .at({.file = text_.label(), .line = static_cast<int>(line_ + std::count(begin, at, '\n'))})
          .hint("double the quotes inside a quoted field");
    }
    if (after == nullptr) return false;
    char* const begin = text_.begin();
    lines_ = std::count(begin, after, '\n');
    if (lines_ == 0 && after > begin && after[-1] == '\r') lines_ = 1;
    text_.use(static_cast<size_t>(after - begin));
    // In a file of one column an empty line is a missing value.
    const bool empty = fields_.size() == 1 && fields_[0].begin == fields_[0].end && !fields_[0].quoted;
    if (!empty || columns_ == 1) {
      if (columns_ != 0 && fields_.size() != columns_) return ragged(begin, after);
      return true;
    }
    line_ += lines_;
    lines_ = 0;
  }
}

// A quote that stands for itself loses what escapes it, in its place: the record is not parsed again.
void CsvRows::unescape(Field& field) const {
  const auto [delimiter, quote, escape] = form_.dialect;
  char* to = field.begin;
  for (const char* from = field.begin; from < field.end; ++from) {
    const bool escapes =
        *from == escape && from + 1 < field.end && (from[1] == quote || (escape != quote && from[1] == escape));
    if (escapes) ++from;
    *to++ = *from;
  }
  field.end = to;
}

Error CsvRows::ragged(const char* begin, const char* end) const {
  while (end > begin && ends_line(end[-1])) --end;
  const std::string line(begin, std::min(end, begin + kShownBytes));
  return Error{Code::invalid, fmt::format("the line has {} fields, the header {}{}", fields_.size(), columns_,
                                          form_.masked ? "" : fmt::format(": '{}'", line))}
      .at({.file = text_.label(), .line = static_cast<int>(line_)})
      .hint("repair the line, or quote fields that hold the separator");
}

Result<std::optional<std::vector<std::string>>> CsvRows::header() {
  MILLRACE_TRY(const bool any, read_record());
  if (!any) return std::optional<std::vector<std::string>>();
  std::vector<std::string> names;
  for (auto& field : fields_) {
    if (field.escaped) unescape(field);
    names.emplace_back(field.begin, field.end);
  }
  columns_ = names.size();
  return std::optional(std::move(names));
}

Result<bool> CsvRows::next(Row& row) {
  MILLRACE_TRY(const bool any, read_record());
  if (!any) return false;
  cells_.resize(columns_);
  for (size_t i = 0; i < columns_; ++i) {
    auto& field = fields_[i];
    if (field.escaped) unescape(field);
    const std::string_view text(field.begin, static_cast<size_t>(field.end - field.begin));
    cells_[i] = text.empty() && !(field.quoted && form_.keep_empty) ? Cell{} : Cell::of(text);
  }
  row = cells_;
  return true;
}

}  // namespace millrace::data
