// Proposes a contract from data: what its columns hold, which of them identify a row, which ranges, sets, patterns and
// lengths their values keep to, where foreign keys lead; from several files also how often values are missing, how many
// rows come and how fresh they are.
//
// Every proposal says how sure it is. `confidence` is a number from 0 to 1: for shares the lower end of Wilson's 95 %
// interval, for ranges and sets the chance that the next row keeps to it; `support` is the number of rows that it
// stands on. A rule's severity follows from its confidence: error from 0.999, warning from 0.95, info below; rules
// about rates and volumes, which differ from batch to batch, never say more than warning.
//
// What is proposed holds for the data that it was proposed from, except where a few values are plainly damaged (a
// column of numbers with less than 1 % of text).
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/json.h"
#include "engine/engine.h"

namespace millrace::data {

struct InferOptions {
  std::string name = "data";                                   // of the contract and its object
  std::vector<std::string> file_names;                         // what errors call the files; empty = their paths
  std::map<std::string, std::vector<std::string>> references;  // dataset -> files, for foreign keys
};

// An ODCS document (data/contract_write.h makes it YAML, parse_contract reads it). The files are batches in the order
// of their arrival; all have the same columns. `session` must be able to read them; temporary relations named
// millrace_* stay behind. `invalid`: no file, no row, or files whose columns differ.
Result<Json> infer_contract(engine::Engine& session, const std::vector<std::string>& files,
                            const InferOptions& options);

}  // namespace millrace::data
