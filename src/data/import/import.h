// Contracts out of what other tools keep: Great Expectations suites (JSON), dbt's schema.yml or manifest.json, Pandera
// schemas (its own YAML or JSON). What the contract cannot say is listed by its name, never dropped silently.
//
// Shares of rows (`mostly`, at_least ...) count all rows here; the other tools leave rows without a value out.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "core/result.h"

namespace millrace::data {

struct LeftOut {
  std::string name;   // as the other tool calls it
  std::string about;  // the column or table
  std::string why;
};

struct ImportedContract {
  Json document;  // ODCS; data/contract_write.h makes it YAML
  size_t taken = 0;
  std::vector<LeftOut> left_out;
  Json to_json() const;
};

// `text` is the file's, `path` names it in errors, `name` the contract ("" = what the file calls itself).
Result<ImportedContract> import_gx(std::string_view text, const std::string& path, const std::string& name);
Result<ImportedContract> import_dbt(std::string_view text, const std::string& path, const std::string& name);
Result<ImportedContract> import_pandera(std::string_view text, const std::string& path, const std::string& name);

}  // namespace millrace::data
