// MLflow's SQL schema, as a source: any revision whose tables have the columns that are needed; what a revision lacks
// (logged models, inputs, workspaces) is not there.
#pragma once
#include <memory>
#include <string>

#include "exchange/sources/source.h"
#include "exchange/sources/sql_reader.h"

namespace millrace::exchange {

struct SqlPlace {
  std::string name;                  // for people and progress
  std::vector<std::string> folders;  // where its artifacts may lie
  std::string workspace;             // of the source
};

// `unsupported` for a database that is not MLflow's, or is of a revision that this program cannot read.
Result<std::unique_ptr<Source>> open_sql_source(std::unique_ptr<SqlReader> reader, SqlPlace place);

}  // namespace millrace::exchange
