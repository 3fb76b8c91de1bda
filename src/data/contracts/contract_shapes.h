// The keys of ODCS v3.1.0: which are known where, which are required, and what lies under them.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/yaml.h"

namespace millrace::data {

// A key of a shape: one plain value, a map of the shape `shape`, or a list of such maps or values.
struct ContractKey {
  std::string name, shape;
  std::string value;  // what a plain value is: text, integer ...; "" = any plain value
  enum class Form { any, map, list } form = Form::any;
  bool required = false;
};

// The keys of a shape in the standard's order; empty for a shape that is not in its tables. The root is "contract";
// logicalTypeOptions are "options.TYPE".
const std::vector<ContractKey>& contract_keys(std::string_view shape);

// Checks keys, required keys and the kind of every node below `contract` against the standard's tables.
Result<void> check_contract_keys(const Yaml& contract);

}  // namespace millrace::data
