// Reading and writing the tables of evaluation datasets inside one transaction. For the .cc files of this folder.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "evaluation/datasets.h"
#include "store/database.h"

namespace millrace::evaluation {

Result<Dataset> load(store::Session& session, const std::string& workspace, const std::string& id);  // not_found
Result<std::vector<Dataset>> load_all(store::Session& session, const std::string& workspace);
Result<void> store_tags(store::Session& session, const std::string& workspace, const std::string& id,
                        const std::map<std::string, std::string>& tags);
// Notes that a dataset has changed: its time, its digest, and by whom, unless that is "".
Result<void> touch(store::Session& session, const std::string& workspace, const Dataset& dataset, int64_t now,
                   const std::string& by);
std::string digest_at(const std::string& name, int64_t time);

Result<void> check_tags(const std::map<std::string, std::string>& tags);
lineage::Change change_of(std::string_view kind, const std::string& id, Json body);

}  // namespace millrace::evaluation
