// The files of a batch: what they are, which columns they have, and how SQL reads them. CSV is read as text with the
// columns that its own header names; nothing is guessed from the data.
#pragma once
#include <string>
#include <vector>

#include "core/result.h"
#include "engine/engine.h"

namespace millrace::data {

struct InputColumn {
  std::string name;
  std::string type;      // the engine's type; "" for CSV, which holds text
  std::string sql = {};  // what SQL calls it
};

struct InputFile {
  std::string path;
  std::string label;  // what people call it; errors name this
  bool parquet = false;
  char delimiter = ',';
  std::vector<InputColumn> columns;
  engine::FileSql sql;  // how the session's engine reads it

  const InputColumn* find(const std::string& name) const;  // nullptr when absent; case counts
  size_t index(const std::string& name) const;             // of a column that is there
};

// Reads the header of a CSV file or the footer of a Parquet file, and makes the session ready to read it. Errors name
// the file and, for CSV, line 1: missing file, folder, empty file, no UTF-8, two columns of one name, truncated or
// damaged Parquet.
Result<InputFile> inspect_file(engine::Engine& session, const std::string& path, const std::string& label);

// A SELECT that yields the file's columns as c0, c1 ... and, when `numbered`, millrace_row (the first data row is 1).
std::string select_from(const InputFile& file, bool numbered);

// An engine's error while it read these files, as an error of the file: value, line, way out.
Error explain_read(Error error, const std::vector<InputFile>& files);

}  // namespace millrace::data
