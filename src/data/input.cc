#include "data/input.h"

#include <sys/stat.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <re2/re2.h>

#include "core/files.h"
#include "core/utf8.h"
#include "core/yaml.h"
#include "data/csv_check.h"

namespace millrace::data {
namespace {

constexpr size_t kHeaderBytes = 1 << 20;
constexpr std::string_view kMagic = "PAR1";

struct Ends {
  std::string head;  // up to kHeaderBytes
  std::string tail;  // the last 4 bytes
  int64_t size = 0;
};

Result<Ends> read_ends(const std::string& path, const std::string& label) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return file_error("reading", label, errno);
  if (S_ISDIR(status.st_mode))
    return Error{Code::invalid, fmt::format("'{}' is a folder, not a file", label)}
        .at({.file = label})
        .hint("name the files in it");
  if (!S_ISREG(status.st_mode))
    return Error{Code::invalid, fmt::format("'{}' is not a regular file", label)}.at({.file = label});
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) return file_error("opening", label, errno);
  Ends ends{.size = status.st_size};
  ends.head.resize(std::min<size_t>(kHeaderBytes, static_cast<size_t>(ends.size)));
  if (std::fread(ends.head.data(), 1, ends.head.size(), file.get()) != ends.head.size())
    return file_error("reading", label, EIO);
  ends.tail.resize(std::min<size_t>(4, ends.head.size()));
  if (std::fseek(file.get(), -static_cast<long>(ends.tail.size()), SEEK_END) != 0)
    return file_error("reading", label, errno);
  if (std::fread(ends.tail.data(), 1, ends.tail.size(), file.get()) != ends.tail.size())
    return file_error("reading", label, EIO);
  return ends;
}

// The first record, its quotes taken off. Nothing when a quote does not end.
std::optional<std::vector<std::string>> first_record(std::string_view text, char delimiter) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"')
      fields.back() += text[++i];
    else if (c == '"' && (quoted || fields.back().empty()))
      quoted = !quoted;
    else if (quoted)
      fields.back() += c;
    else if (c == '\n' || c == '\r')
      return fields;
    else if (c == delimiter)
      fields.emplace_back();
    else
      fields.back() += c;
  }
  return quoted ? std::nullopt : std::optional(fields);
}

// The separator that gives the most columns; a comma when there is one column only.
char delimiter_of(std::string_view text) {
  char best = ',';
  size_t most = 1;
  for (const char candidate : {',', ';', '\t', '|'}) {
    const auto fields = first_record(text, candidate);
    if (fields && fields->size() > most) most = fields->size(), best = candidate;
  }
  return best;
}

std::string lower(std::string text) {
  for (auto& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

Result<void> check_header(const InputFile& file) {
  std::set<std::string> seen;
  for (size_t i = 0; i < file.columns.size(); ++i) {
    const auto& name = file.columns[i].name;
    if (name.empty())
      return Error{Code::invalid, fmt::format("column {} of the header has no name", i + 1)}
          .at({.file = file.label, .line = 1})
          .hint("the first line of a CSV file names its columns");
    if (!is_utf8(name))
      return Error{Code::invalid, "the header is not UTF-8"}
          .at({.file = file.label, .line = 1})
          .hint("save the file as UTF-8");
    if (!seen.insert(lower(name)).second)
      return Error{Code::invalid, fmt::format("two columns are named '{}'", name)}
          .at({.file = file.label, .line = 1})
          .hint("SQL ignores case in names; rename one of them");
  }
  return {};
}

Result<InputFile> inspect_csv(engine::Engine& session, const std::string& path, const std::string& label,
                              const Ends& ends) {
  InputFile file{.path = path, .label = label};
  std::string_view text = ends.head;
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    return Error{Code::invalid, "the file is UTF-16, not UTF-8"}.at({.file = label}).hint("save the file as UTF-8");
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.starts_with("\x1F\x8B"))
    return Error{Code::unsupported, "the file is compressed (gzip)"}.at({.file = label}).hint("unpack it first");
  if (std::memchr(text.data(), 0, text.size()) != nullptr)
    return Error{Code::invalid, "the file holds zero bytes: it is not text"}
        .at({.file = label})
        .hint("batches are CSV (UTF-8) or Parquet files");
  if (text.find_first_not_of(" \r\n\t") == std::string_view::npos)
    return Error{Code::invalid, "the file is empty: it has no header"}
        .at({.file = label})
        .hint("the first line of a CSV file names its columns");
  file.delimiter = delimiter_of(text);
  auto fields = first_record(text, file.delimiter);
  if (!fields)
    return Error{Code::invalid, "a quote in the header does not end"}
        .at({.file = label, .line = 1})
        .hint("close it, or double quotes inside a quoted field");
  for (auto& field : *fields)
    file.columns.push_back({.name = std::move(field), .sql = fmt::format("c{}", file.columns.size())});
  MILLRACE_DO(check_header(file));
  file.sql = session.dialect().file({.path = path, .delimiter = file.delimiter, .columns = file.columns.size()});
  if (session.dialect().engine() != "duckdb") MILLRACE_DO(check_csv(path, label, file.delimiter, file.columns.size()));
  if (file.sql.before.empty()) return file;
  if (auto made = session.execute(file.sql.before); !made) return explain_read(std::move(made).error(), {file});
  return file;
}

Result<InputFile> inspect_parquet(engine::Engine& session, const std::string& path, const std::string& label,
                                  const Ends& ends) {
  if (ends.size < 12 || ends.tail != kMagic)
    return Error{Code::corrupt, fmt::format("the Parquet file is cut off or damaged: it does not end with {}", kMagic)}
        .at({.file = label})
        .hint("copy or write the file again");
  InputFile file{.path = path, .label = label, .parquet = true};
  file.sql = session.dialect().file({.path = path, .parquet = true});
  auto columns = session.query("DESCRIBE SELECT * FROM " + file.sql.plain);
  if (!columns) return explain_read(std::move(columns).error(), {file});
  for (size_t row = 0; row < columns->rows(); ++row)
    file.columns.push_back({.name = columns->text(row, 0),
                            .type = columns->text(row, 1),
                            .sql = session.dialect().quote_name(columns->text(row, 0))});
  MILLRACE_DO(check_header(file));
  return file;
}

}  // namespace

const InputColumn* InputFile::find(const std::string& name) const {
  for (const auto& column : columns)
    if (column.name == name) return &column;
  return nullptr;
}

size_t InputFile::index(const std::string& name) const { return static_cast<size_t>(find(name) - columns.data()); }

Result<InputFile> inspect_file(engine::Engine& session, const std::string& path, const std::string& label) {
  MILLRACE_TRY(const auto ends, read_ends(path, label));
  if (ends.size == 0)
    return Error{Code::invalid, "the file is empty"}
        .at({.file = label})
        .hint("a batch without rows is a CSV file with its header, or a Parquet file");
  const bool named_parquet = label.ends_with(".parquet") || label.ends_with(".pq");
  if (ends.head.starts_with(kMagic)) return inspect_parquet(session, path, label, ends);
  if (named_parquet)
    return Error{Code::corrupt, fmt::format("the file is named Parquet but does not begin with {}", kMagic)}
        .at({.file = label})
        .hint("write it as Parquet, or name it .csv if it is one");
  return inspect_csv(session, path, label, ends);
}

std::string select_from(const InputFile& file, bool numbered) {
  std::string list = numbered ? file.sql.row + " AS millrace_row" : "";
  for (size_t i = 0; i < file.columns.size(); ++i)
    list += fmt::format("{}{} AS c{}", list.empty() ? "" : ", ", file.columns[i].sql, i);
  return fmt::format("SELECT {} FROM {}", list, numbered ? file.sql.numbered : file.sql.plain);
}

Error explain_read(Error error, const std::vector<InputFile>& files) {
  if (error.code() != Code::invalid) return error;
  const std::string& text = error.message();
  // Spark names the class of what went wrong, and only some are about a file.
  if (text.starts_with('[') && !re2::RE2::PartialMatch(text, "READ_FILE|PARQUET|MALFORMED")) return error;
  const InputFile* which = &files[0];
  for (const auto& file : files)
    if (text.find(file.path) != std::string::npos) which = &file;
  if (which->parquet) {
    const auto first = text.substr(0, std::min(text.find('\n'), size_t{300}));
    return Error{Code::corrupt, "the Parquet file cannot be read: " + first}
        .at({.file = which->label})
        .hint("copy or write the file again");
  }
  int line = 0;
  re2::RE2::PartialMatch(text, "(?:Line|line):? ?(\\d+)", &line);
  const auto place = Where{.file = which->label, .line = line};
  std::string what, original;
  int expected = 0, found = 0;
  re2::RE2::PartialMatch(text, "Original Line: ?([^\\n]{1,120})", &original);
  if (re2::RE2::PartialMatch(text, "Expected Number of Columns: (\\d+) Found: (\\d+)", &expected, &found))
    return Error{Code::invalid, fmt::format("the line has {} fields, the header {}{}", found, expected,
                                            original.empty() ? "" : fmt::format(": '{}'", original))}
        .at(place)
        .hint("repair the line, or quote fields that hold the separator");
  if (text.find("nicode") != std::string::npos || text.find("UTF-8") != std::string::npos ||
      text.find("utf-8") != std::string::npos)
    return Error{Code::invalid, "the file is not UTF-8"}.at(place).hint("save the file as UTF-8");
  if (text.find("quote") != std::string::npos)
    return Error{Code::invalid, fmt::format("a quoted field does not end as it should{}",
                                            original.empty() ? "" : fmt::format(": '{}'", original))}
        .at(place)
        .hint("double the quotes inside a quoted field");
  if (line == 0 && text.find("CSV") == std::string::npos) return error;
  return Error{Code::invalid, "the CSV file cannot be read: " + text.substr(0, std::min(text.find('\n'), size_t{300}))}
      .at(place)
      .hint("see the line named");
}

}  // namespace millrace::data
