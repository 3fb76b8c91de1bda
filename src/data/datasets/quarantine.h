// The rows that a version set aside, with the rules that each of them broke.
#pragma once
#include <string>
#include <vector>

#include "core/json.h"
#include "data/contracts/contract.h"
#include "data/datasets/datasets.h"
#include "engine/engine.h"
#include "store/blobs.h"

namespace millrace::data {

struct QuarantinePage {
  int64_t from = 0, count = 50;
  bool unmasked = false;  // values of columns that the contract classifies are shown
};
struct QuarantineColumn {
  std::string name, type;      // type: of the values as they came (engine/table.h)
  std::string classification;  // of the contract; "" = none
  bool masked = false;
};
struct QuarantineRows {
  std::vector<QuarantineColumn> columns;
  Json items = Json::array();  // {file, row, reasons: [rules], values: [one a column]}; a masked value is null
  int64_t total = 0;
  bool classified = false;  // a value of a classified column is shown
};

// Whoever calls says whether this caller may see classified values. Where the contract cannot be read all columns are
// masked but for who may see everything. Nothing for a version that set no row aside.
Result<QuarantineRows> read_quarantine(engine::Engines& engines, const store::Blobs& blobs,
                                       const DatasetVersion& version, const QuarantinePage& page);

// The contract that the version was judged by, as it was written then.
Result<Contract> contract_of(const store::Blobs& blobs, const DatasetVersion& version);
// Its object that is the dataset; null when it has none.
const Object* object_of(const Contract& contract, const DatasetVersion& version);

}  // namespace millrace::data
