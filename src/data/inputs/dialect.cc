#include "data/inputs/dialect.h"

#include <algorithm>
#include <array>

namespace millrace::data {
namespace {

constexpr std::array kDelimiters{',', ';', '\t', '|', ':', '^'};
constexpr size_t kRecords = 200;

struct Fit {
  size_t fields = 0;  // of the first record
  double share = 0;   // of the records that have as many
};

Fit fit_of(std::string_view text, const CsvDialect& dialect, bool whole) {
  Fit fit;
  size_t records = 0, same = 0;
  while (!text.empty() && records < kRecords) {
    const auto record = next_record(text, dialect);
    if (!record || (text.empty() && !whole && records > 0)) break;  // the last one may be cut
    if (record->size() == 1 && record->front().empty()) continue;
    if (records++ == 0) fit.fields = record->size();
    same += record->size() == fit.fields;
  }
  if (records > 0) fit.share = static_cast<double>(same) / static_cast<double>(records);
  return fit;
}

// How often a field is wrapped in `quote`: it begins where a field begins and ends where one ends.
size_t wrapped(std::string_view text, char quote, const std::optional<char>& delimiter) {
  const auto parts = [&](char c) {
    return c == '\n' || c == '\r' ||
           (delimiter ? c == *delimiter : std::find(kDelimiters.begin(), kDelimiters.end(), c) != kDelimiters.end());
  };
  size_t count = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != quote || (i > 0 && !parts(text[i - 1]))) continue;
    const auto end = text.find(quote, i + 1);
    if (end == std::string_view::npos) break;
    count += end + 1 == text.size() || parts(text[end + 1]);
    i = end;
  }
  return count;
}

// A backslash before a quote, where the quotes of the text could not pair otherwise.
bool backslash_escapes(std::string_view text, char quote) {
  const std::string escaped{'\\', quote}, doubled{quote, quote};
  const auto at = text.find(escaped);
  if (at == std::string_view::npos) return false;
  const auto next = at + 2 < text.size() ? text[at + 2] : '\n';
  const bool ends_there =
      next == '\n' || next == '\r' || std::find(kDelimiters.begin(), kDelimiters.end(), next) != kDelimiters.end();
  // "C:\" is a field that ends with a backslash, unless the quotes do not pair.
  return !ends_there || std::count(text.begin(), text.end(), quote) % 2 != 0 ||
         text.find(doubled) == std::string_view::npos;
}

}  // namespace

std::optional<std::vector<std::string>> next_record(std::string_view& rest, const CsvDialect& dialect) {
  std::vector<std::string> fields(1);
  bool quoted = false, was_quoted = false;
  const auto is_quote = [&](char c) { return dialect.quote != '\0' && c == dialect.quote; };
  for (size_t i = 0; i < rest.size(); ++i) {
    const char c = rest[i];
    if (quoted && c == dialect.escape && i + 1 < rest.size() &&
        (is_quote(rest[i + 1]) || (dialect.escape != dialect.quote && rest[i + 1] == dialect.escape))) {
      fields.back() += rest[++i];
    } else if (quoted) {
      if (is_quote(c))
        quoted = false;
      else
        fields.back() += c;
    } else if (is_quote(c) && fields.back().empty() && !was_quoted) {
      quoted = was_quoted = true;
    } else if (c == '\n' || c == '\r') {
      rest.remove_prefix(i + (c == '\r' && i + 1 < rest.size() && rest[i + 1] == '\n' ? 2 : 1));
      return fields;
    } else if (c == dialect.delimiter) {
      fields.emplace_back();
      was_quoted = false;
    } else {
      fields.back() += c;
    }
  }
  rest.remove_prefix(rest.size());
  return quoted ? std::nullopt : std::optional(std::move(fields));
}

CsvDialect find_dialect(std::string_view text, const Reading& reading, bool whole) {
  CsvDialect dialect;
  if (reading.quote)
    dialect.quote = *reading.quote;
  else if (wrapped(text, '\'', reading.delimiter) > 0 && wrapped(text, '"', reading.delimiter) == 0)
    dialect.quote = '\'';
  dialect.escape = reading.escape                                                    ? *reading.escape
                   : dialect.quote != '\0' && backslash_escapes(text, dialect.quote) ? '\\'
                                                                                     : dialect.quote;
  if (reading.delimiter) {
    dialect.delimiter = *reading.delimiter;
    return dialect;
  }
  Fit best{.fields = 1};
  CsvDialect tried = dialect;
  for (const char candidate : kDelimiters) {
    tried.delimiter = candidate;
    const auto fit = fit_of(text, tried, whole);
    if (fit.fields < 2 || fit.share < best.share || (fit.share == best.share && fit.fields <= best.fields)) continue;
    best = fit;
    dialect.delimiter = candidate;
  }
  return dialect;
}

}  // namespace millrace::data
