// The files of a batch: what they are, which columns they have, and how SQL reads them. Parquet is read where it lies,
// and so is text (CSV, JSON lines) in UTF-8; what is packed, in another encoding or in Arrow's form is copied first.
// CSV is text with the columns that its own header names; nothing is guessed from the data.
#pragma once
#include <string>
#include <vector>

#include "core/result.h"
#include "data/inputs/dialect.h"
#include "data/inputs/inputs.h"
#include "engine/engine.h"

namespace millrace::data {

struct InputFile {
  std::string path;      // what SQL reads: the file, or a copy of it
  std::string label;     // what people call it; errors name this
  std::string format;    // one of formats(): what `path` holds
  bool parquet = false;  // read as often as one likes; text is better parsed once
  CsvDialect dialect;    // of CSV
  bool header = true;
  bool exported = false;  // CSV from a database: an empty field is null, an empty quoted one is an empty text
  engine::FileSql sql;    // how the session's engine reads it
  std::vector<std::string> column_sql;  // and each of its columns
  std::vector<InputColumn> columns;
  bool masked = false;  // it holds columns whose values errors must not repeat

  const InputColumn* find(const std::string& name) const;  // nullptr when absent; case counts
  size_t index(const std::string& name) const;             // of a column that is there
};

// Finds out what the file is (by its bytes, then by its name), makes a readable copy where it needs one, reads its
// header and, of text, every byte once. `inputs` may know more of it (how to read it, its label) and holds the copies;
// nullptr = nothing is known, no copies. Errors name the file and the byte, line or record batch: missing file, folder,
// empty file, wrong encoding, zero bytes, two columns of one name, what is cut off or damaged.
Result<InputFile> inspect_file(engine::Engine& session, const std::string& path, const std::string& label,
                               Inputs* inputs = nullptr);

// The names that a header gives: one each, in UTF-8, not too many.
Result<void> check_header(const InputFile& file);

// A SELECT that yields the file's columns as c0, c1 ... and, when `numbered`, millrace_row (the first data row is 1).
std::string select_from(const InputFile& file, bool numbered);

// An engine's error while it read these files, as an error of the file: value, line, way out. Of Parquet, the file and
// the row group are found by reading them.
Error explain_read(Error error, const std::vector<InputFile>& files);

}  // namespace millrace::data
