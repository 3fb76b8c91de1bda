#include "data/inputs/input.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <re2/re2.h>

#include "core/codes/utf8.h"
#include "data/inputs/arrow_ipc.h"
#include "data/inputs/csv_check.h"
#include "data/inputs/decode.h"
#include "data/inputs/json_lines.h"
#include "data/inputs/kind.h"
#include "data/inputs/parquet_damage.h"

namespace millrace::data {
namespace {

std::string lower(std::string text) {
  for (auto& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

}  // namespace

Result<void> check_header(const InputFile& file) {
  std::set<std::string> seen;
  const Where where{.file = file.label, .line = file.format == "csv" ? 1 : 0};
  if (file.columns.size() > limits::input_columns)
    return Error{Code::too_large,
                 fmt::format("the file has {} columns, more than {}", file.columns.size(), limits::input_columns)}
        .at(where);
  for (size_t i = 0; i < file.columns.size(); ++i) {
    const auto& name = file.columns[i].name;
    if (name.empty())
      return Error{Code::invalid, fmt::format("column {} of the header has no name", i + 1)}.at(where).hint(
          "the first line of a CSV file names its columns");
    if (!is_utf8(name)) return Error{Code::invalid, "the header is not UTF-8"}.at(where).hint("save the file as UTF-8");
    if (!seen.insert(lower(name)).second)
      return Error{Code::invalid, fmt::format("two columns are named '{}'", name)}.at(where).hint(
          "SQL ignores case in names; rename one of them");
  }
  return {};
}

namespace {

Result<void> inspect_csv(InputFile& file, const Reading& reading, const Ends& ends) {
  std::string_view text = ends.head;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.find_first_not_of(" \r\n\t") == std::string_view::npos)
    return Error{Code::invalid, "the file is empty: it has no header"}
        .at({.file = file.label})
        .hint("the first line of a CSV file names its columns");
  file.dialect = find_dialect(text, reading, static_cast<int64_t>(ends.head.size()) == ends.size);
  const auto fields = next_record(text, file.dialect);
  if (!fields)
    return Error{Code::invalid, "a quote in the header does not end"}
        .at({.file = file.label, .line = 1})
        .hint("close it, or double quotes inside a quoted field");
  file.header = !reading.no_header;
  const auto& names = reading.no_header ? reading.names : *fields;
  if (names.size() != fields->size())
    return Error{Code::invalid,
                 fmt::format("the first line has {} fields, the contract {} properties, and no header says "
                             "which is which",
                             fields->size(), names.size())}
        .at({.file = file.label, .line = 1})
        .hint("a file without a header holds the contract's properties in their order");
  for (const auto& name : names) file.columns.push_back({.name = name, .type = ""});
  return check_header(file);
}

// Writers that saw only missing values give a column the type of nothing, which the engine takes for integers: it fits
// every type. A name that stands also for something else, deeper in another column, is left alone.
Result<void> forget_types_of_nothing(engine::Engine& session, InputFile& file) {
  const auto names = session.query(fmt::format(
      "SELECT name FROM parquet_schema({}) WHERE num_children IS NULL OR num_children = 0 GROUP BY name HAVING "
      "bool_and(coalesce(logical_type, '') = 'NullType()')",
      engine::quote_text(file.path)));
  if (!names) return explain_read(names.error(), {file});
  for (size_t row = 0; row < names->rows(); ++row)
    for (auto& column : file.columns)
      if (column.name == names->text(row, 0)) column.type = "";
  return {};
}

Result<void> inspect_parquet(engine::Engine& session, InputFile& file, const Ends& ends) {
  file.parquet = true;
  if (ends.size < 12 || ends.tail != kParquetMagic)
    return Error{Code::corrupt,
                 fmt::format("the Parquet file is cut off or damaged: it does not end with {}", kParquetMagic)}
        .at({.file = file.label})
        .hint("copy or write the file again");
  MILLRACE_TRY(const auto sql, session.dialect().file({.path = file.path}));
  auto columns = session.query("DESCRIBE SELECT * FROM " + sql.plain);
  if (!columns) return explain_read(std::move(columns).error(), {file});
  for (size_t row = 0; row < columns->rows(); ++row)
    file.columns.push_back({.name = columns->text(row, 0), .type = columns->text(row, 1)});
  if (session.dialect().engine() == "duckdb") MILLRACE_DO(forget_types_of_nothing(session, file));
  return check_header(file);
}

// Text in UTF-8 stays where it is; a byte order mark says more than nothing, a word of the caller's more than that.
Result<void> decode(InputFile& file, const Reading& reading, Ends& ends, Inputs& inputs) {
  std::string encoding = lower(reading.encoding);
  if (encoding.empty() && ends.head.starts_with(std::string_view("\xFF\xFE\0\0", 4))) encoding = "utf-32";
  if (encoding.empty() && (ends.head.starts_with("\xFF\xFE") || ends.head.starts_with("\xFE\xFF"))) encoding = "utf-16";
  const bool utf8 = encoding.empty() || encoding == "utf-8" || encoding == "utf8";
  if (utf8 && !(file.format == "jsonl" && ends.head.starts_with("\xEF\xBB\xBF")))
    return check_text(file.path, file.label);
  MILLRACE_TRY(file.path, to_utf8(file.path, file.label, utf8 ? "utf-8" : encoding, inputs));
  MILLRACE_DO(check_text(file.path, file.label));
  MILLRACE_TRY(ends, read_ends(file.path, file.label));
  return {};
}

Result<void> inspect_text(InputFile& file, const Reading& reading, Ends ends, Inputs& inputs) {
  MILLRACE_DO(decode(file, reading, ends, inputs));
  if (file.format == "csv") return inspect_csv(file, reading, ends);
  MILLRACE_TRY(file.columns, scan_json_lines(file.path, file.label));
  if (file.columns.empty())
    return Error{Code::invalid, "the file is empty: it has no row and so no keys"}
        .at({.file = file.label})
        .hint("a batch without rows is a CSV file with its header, or a Parquet file");
  return check_header(file);
}

// How SQL gets a column.
std::string column_of(const engine::Dialect& dialect, const InputFile& file, size_t i) {
  const auto& column = file.columns[i];
  const auto name = file.format == "csv" ? fmt::format("c{}", i) : dialect.quote_name(column.name);
  if (file.parquet && column.type.empty()) return dialect.cast(name, engine::SqlType::text);
  const bool typed = file.exported && !column.type.empty() && column.type != "VARCHAR" && column.type != "JSON";
  return typed ? fmt::format("CAST({} AS {})", name, column.type) : name;
}

// Lets the session's engine know the file; what it would pass over is looked for first.
Result<void> make_readable(engine::Engine& session, InputFile& file) {
  const auto& dialect = session.dialect();
  engine::FileForm form{.path = file.path,
                        .kind = file.parquet             ? engine::FileForm::Kind::parquet
                                : file.format == "jsonl" ? engine::FileForm::Kind::json_lines
                                                         : engine::FileForm::Kind::csv,
                        .delimiter = file.dialect.delimiter,
                        .quote = file.dialect.quote,
                        .escape = file.dialect.escape,
                        .header = file.header,
                        .keep_empty = file.exported,
                        .line_bytes = limits::json_line_bytes};
  for (const auto& column : file.columns) form.columns.emplace_back(column.name, column.type);
  auto sql = dialect.file(form);
  if (!sql) return std::move(sql).error().at({.file = file.label});
  file.sql = *std::move(sql);
  file.column_sql.clear();
  for (size_t i = 0; i < file.columns.size(); ++i) file.column_sql.push_back(column_of(dialect, file, i));
  if (file.format == "csv" && dialect.engine() != "duckdb")
    MILLRACE_DO(check_csv(file.path, file.label, file.dialect, file.columns.size()));
  if (file.sql.before.empty()) return {};
  if (auto made = session.execute(file.sql.before); !made) return explain_read(std::move(made).error(), {file});
  return {};
}

// What the engine says first; values in it, which it quotes, are left out of files that hold what nobody may see.
std::string first_line(std::string text, bool masked) {
  static const re2::RE2 quoted("'[^']*'|\"[^\"]*\"");
  text.resize(std::min(text.find('\n'), text.size()));
  if (masked) re2::RE2::GlobalReplace(&text, quoted, "(masked)");
  return text.substr(0, 300);
}

Error explain_parquet(const std::string& text, const std::vector<InputFile>& files, const InputFile* which) {
  std::string where;
  for (const auto& file : files) {
    if (!file.parquet || (which != nullptr && which != &file)) continue;
    where = damaged_part(file.path);
    if (where.empty()) continue;
    which = &file;
    break;
  }
  if (which == nullptr) which = &files[0];
  return Error{Code::corrupt,
               fmt::format("the Parquet file cannot be read{}: {}", where.empty() ? "" : " in " + where, text)}
      .at({.file = which->label})
      .hint("copy or write the file again");
}

Error explain_csv(const Error& error, const InputFile& file) {
  const std::string& text = error.message();
  int line = 0;
  re2::RE2::PartialMatch(text, "(?:Line|line):? ?(\\d+)", &line);
  const auto place = Where{.file = file.label, .line = line};
  std::string original;
  int expected = 0, found = 0;
  if (!file.masked) re2::RE2::PartialMatch(text, "Original Line: ?([^\\n]{1,120})", &original);
  if (re2::RE2::PartialMatch(text, "Expected Number of Columns: (\\d+) Found: (\\d+)", &expected, &found))
    return Error{Code::invalid, fmt::format("the line has {} fields, the header {}{}", found, expected,
                                            original.empty() ? "" : fmt::format(": '{}'", original))}
        .at(place)
        .hint("repair the line, or quote fields that hold the separator");
  if (text.find("invalid state") != std::string::npos)
    return Error{Code::invalid, "the lines of the file do not all end in the same way, or text follows a closed quote"}
        .at(place)
        .hint("end every line with \\n, or every line with \\r\\n");
  if (text.find("quote") != std::string::npos)
    return Error{Code::invalid, fmt::format("a quoted field does not end as it should{}",
                                            original.empty() ? "" : fmt::format(": '{}'", original))}
        .at(place)
        .hint("double the quotes inside a quoted field");
  if (line == 0 && text.find("CSV") == std::string::npos) return error;
  return Error{Code::invalid, "the file cannot be read: " + first_line(text, file.masked)}.at(place).hint(
      "see the line named");
}

}  // namespace

const InputColumn* InputFile::find(const std::string& name) const {
  for (const auto& column : columns)
    if (column.name == name) return &column;
  return nullptr;
}

size_t InputFile::index(const std::string& name) const { return static_cast<size_t>(find(name) - columns.data()); }

Result<InputFile> inspect_file(engine::Engine& session, const std::string& path, const std::string& label,
                               Inputs* inputs) {
  Inputs none("");
  if (inputs == nullptr) inputs = &none;
  const auto* place = inputs->find(path);
  const Reading reading = place == nullptr ? Reading{} : place->reading;
  InputFile file{.path = path, .label = place != nullptr && label == path ? inputs->label(path) : label};
  MILLRACE_DO(inputs->watch(path, file.label));
  MILLRACE_TRY(auto ends, read_ends(path, file.label));
  MILLRACE_TRY(const auto compression, compression_of(ends.head, file.label));
  if (!compression.empty()) {
    MILLRACE_TRY(file.path, unpack(path, file.label, compression, *inputs));
    MILLRACE_TRY(ends, read_ends(file.path, file.label));
  }
  if (ends.size == 0)
    return Error{Code::invalid, "the file is empty"}
        .at({.file = file.label})
        .hint("a batch without rows is a CSV file with its header, or a Parquet file");
  MILLRACE_TRY(const auto kind, kind_of(ends, file.label, reading));
  file.format = kind.format;
  if (kind.format == "csv" || kind.format == "jsonl") {
    MILLRACE_DO(inspect_text(file, reading, std::move(ends), *inputs));
    if (place != nullptr && !place->columns.empty()) file.columns = place->columns, file.exported = true;
    MILLRACE_DO(make_readable(session, file));
    return file;
  }
  if (kind.format == "arrow") {
    MILLRACE_TRY(file.path, copy_arrow(file.path, file.label, kind.stream, *inputs));
    MILLRACE_TRY(ends, read_ends(file.path, file.label));
    file.format = "parquet";
  }
  MILLRACE_DO(inspect_parquet(session, file, ends));
  MILLRACE_DO(make_readable(session, file));
  return file;
}

std::string select_from(const InputFile& file, bool numbered) {
  std::string list = numbered ? file.sql.row + " AS millrace_row" : "";
  for (size_t i = 0; i < file.columns.size(); ++i)
    list += fmt::format("{}{} AS c{}", list.empty() ? "" : ", ", file.column_sql[i], i);
  return fmt::format("SELECT {} FROM {}", list, numbered ? file.sql.numbered : file.sql.plain);
}

Error explain_read(Error error, const std::vector<InputFile>& files) {
  // DuckDB takes a length in a damaged footer for a fault of the disk.
  const bool too_short = error.message().find("Could not read enough bytes") != std::string::npos;
  if ((error.code() != Code::invalid && !too_short) || files.empty()) return error;
  // Spark names the class of what went wrong, and only some are about a file.
  if (error.message().starts_with('[') && !re2::RE2::PartialMatch(error.message(), "READ_FILE|PARQUET|MALFORMED"))
    return error;
  const InputFile* which = nullptr;
  for (const auto& file : files)
    if (error.message().find(file.path) != std::string::npos) which = &file;
  if (which == nullptr && files.size() == 1) which = &files[0];
  const bool parquet = std::any_of(files.begin(), files.end(), [](const InputFile& file) { return file.parquet; });
  if (which == nullptr ? parquet : which->parquet)
    return explain_parquet(first_line(error.message(), files[0].masked), files, which);
  return explain_csv(error, which == nullptr ? files[0] : *which);
}

}  // namespace millrace::data
