// What SQL engines spell differently. A call means the same on every engine, also for NULL, NaN, infinities and texts;
// each engine's own file sees to it. What all of them read alike is written as it is: CASE, count_if, FILTER (WHERE
// ..), count(DISTINCT x), lower, concat_ws, nullif, chr, DESCRIBE SELECT, GROUP BY 1, and BIGINT, DOUBLE, DATE.
//
// Arguments and answers are SQL unless they are said to be values. An argument can stand in the answer more than once:
// let it be a column or short. NULL gives NULL where nothing else is said. Stateless and thread-safe.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.h"
#include "core/result.h"

namespace millrace::engine {

// The types that values are computed in: 64-bit integers and doubles, times of day, dates and timestamps without a
// zone, which are UTC.
enum class SqlType { text, integer, number, boolean, date, timestamp, time };

// What an engine's column can hold. `wide`: integers beyond 64 bits; `zoned`: a timestamp with a zone.
enum class SourceType { text, integer, wide, number, boolean, date, timestamp, zoned, time, json, other };

// A piece of a pattern by which dates and times are written: digits of a field, all of them, or the text between.
struct TimePart {
  enum class Field { year, month, day, hour, minute, second, millisecond, microsecond, text };
  Field field;
  std::string text = {};
};

// A file that SQL reads. An empty field of CSV is NULL; its columns are texts named c0, c1 ... Of JSON lines each
// column is a key, of a type that the engine names.
struct FileForm {
  enum class Kind { parquet, csv, json_lines };
  std::string path;  // absolute
  Kind kind = Kind::parquet;
  char delimiter = ',', quote = '"', escape = '"';  // of CSV; a quote of '\0' is none
  bool header = true;
  bool keep_empty = false;                                   // an empty field in quotes is an empty text
  std::vector<std::pair<std::string, std::string>> columns;  // of text: names and types
  size_t line_bytes = 0;                                     // of JSON lines: the longest
};

// How it is read. Each stands behind FROM, `row` in a SELECT directly over `numbered`.
struct FileSql {
  std::string before;  // a statement that must be executed first; "" = none
  std::string plain, numbered;
  std::string row;  // the row's number in the file, from 1
};

class Dialect {
 public:
  virtual ~Dialect() = default;
  virtual std::string_view engine() const = 0;  // a value: "duckdb"

  virtual std::string quote_name(std::string_view name) const = 0;  // of a value
  virtual std::string quote_text(std::string_view text) const = 0;  // of a value
  virtual std::string type(SqlType type) const = 0;
  virtual SourceType source_type(std::string_view name) const = 0;  // of a value: a type as DESCRIBE names it

  // Text of a plain form as a value of the type; NULL when it is of that form and no value, as 2013-02-30 or an integer
  // beyond 64 bits. Plain are: [+-]digits with .000 or nothing behind; decimal numbers with or without an exponent,
  // nan, inf and infinity in any case; 2013-01-31; 05:00, with seconds and up to 9 digits of them (finer than
  // microseconds is cut); date and time joined by T or a blank, and a Z. Anything else is undefined: match the text
  // before.
  virtual std::string parse(std::string_view x, SqlType type) const = 0;
  // The same for a timestamp that ends in an offset, +05:00, +0500 or +05; moved to UTC.
  virtual std::string parse_zoned(std::string_view x) const = 0;
  // Text in exactly the parts' form as a date, timestamp or time; NULL when it is no such value.
  virtual std::string parse_parts(std::string_view x, const std::vector<TimePart>& parts, SqlType type) const = 0;

  virtual std::string to_utc(std::string_view x) const = 0;        // a zoned timestamp as SqlType::timestamp
  virtual std::string epoch_micros(std::string_view x) const = 0;  // of a date or timestamp: since 1970, BIGINT

  // RE2's syntax and meaning on every engine; `pattern` is a value.
  virtual std::string contains(std::string_view x, std::string_view pattern) const = 0;
  virtual std::string matches(std::string_view x, std::string_view pattern) const = 0;  // all of the text
  virtual std::string characters(std::string_view x) const = 0;                         // Unicode code points
  virtual std::string split(std::string_view x, char separator) const = 0;              // a list of texts

  // A value of an engine's JSON type as text, if it is of the kind that the type wants (a number for numbers, a text
  // for texts and dates), NULL otherwise. Engines without such a type never say SourceType::json.
  virtual std::string json_text(std::string_view x, SqlType) const { return std::string(x); }

  virtual std::string is_nan(std::string_view x) const = 0;
  virtual std::string is_infinite(std::string_view x) const = 0;
  virtual std::string is_finite(std::string_view x) const = 0;
  virtual std::string remainder(std::string_view x, std::string_view y) const = 0;  // of doubles, with the sign of x

  // Several values as one, to be told apart as a whole: count(DISTINCT tuple). Never NULL.
  virtual std::string tuple(std::string_view list) const = 0;
  // Aggregates. The sum of BIGINTs without overflow, as a double; the number of different values, about, and how far
  // off it may be (a value: one standard error as a share).
  virtual std::string sum_of_integers(std::string_view x) const = 0;
  virtual std::string approximately_distinct(std::string_view x) const = 0;
  virtual double approximation_error() const = 0;
  // An aggregate over a DOUBLE column and a value's way back: edges.size() + 1 counts, of values at or below the first
  // edge, over edges[i-1] up to edges[i], and over the last. NaN counts as over the last.
  virtual std::string histogram(std::string_view x, const std::vector<double>& edges) const = 0;
  virtual std::vector<int64_t> read_histogram(const Json& cell, const std::vector<double>& edges) const = 0;

  // An aggregate over a DOUBLE column without NaN: a list, for each share (0 to 1) the smallest value that at least
  // that share of the values is at or below; and how far off in rank they may be (a value: a share of the values).
  virtual std::string quantiles(std::string_view x, std::span<const double> shares) const = 0;
  virtual double quantile_error() const = 0;

  // `unsupported` where this engine would read the file otherwise than its form says.
  virtual Result<FileSql> file(const FileForm& form) const = 0;
  // A SELECT of one column, `name` (a value), with these constants as its rows.
  virtual std::string rows_of(const std::vector<std::string>& constants, std::string_view name) const = 0;
  // Statements that make a temporary relation and replace one of that name: computed now and once where the engine has
  // such tables, or at each use. Both give the same rows while the files stay as they are.
  virtual std::string make_table(std::string_view name, std::string_view select) const = 0;
  virtual std::string make_view(std::string_view name, std::string_view select) const = 0;

  std::string literal(SqlType type, std::string_view text) const;  // of a value; the text must be one of that type
  std::string literal(double value) const;                         // reads back to the same double
  std::string cast(std::string_view x, SqlType type) const;
  std::string try_cast(std::string_view x, SqlType type) const;  // NULL when it does not fit
};

}  // namespace millrace::engine
