// Reading and writing the tables of traces inside one transaction, and what names and values may be. For the .cc files
// of this folder.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "lineage/journal.h"
#include "store/database.h"
#include "traces/entities.h"

namespace millrace::traces {

// With tags, metadata and assessments, in the order of `ids`; what does not exist is left out.
Result<std::vector<TraceInfo>> load_infos(store::Session& session, const std::string& workspace,
                                          const std::vector<std::string>& ids);
Result<TraceInfo> load_info(store::Session& session, const std::string& workspace,
                            const std::string& id);  // not_found if absent
Result<void> check_exists(store::Session& session, const std::string& workspace, const std::string& id);
// Roots first, then by start.
Result<std::vector<Json>> load_spans(store::Session& session, const std::string& workspace, const std::string& id);
Result<std::vector<Assessment>> load_assessments(store::Session& session, const std::string& workspace,
                                                 const std::vector<std::string>& ids);

enum class PairTable { tags, metadata };
Result<void> store_pair(store::Session& session, PairTable table, const std::string& workspace, const std::string& id,
                        std::string_view key, const std::string& value);
Result<void> store_assessment(store::Session& session, const std::string& workspace, const Assessment& assessment);
Result<void> store_link(store::Session& session, const std::string& workspace, const std::string& id,
                        const std::string& run);

Result<void> check_trace_id(std::string_view id);
Result<void> check_pair(std::string_view what, std::string_view key, std::string_view value);
// A whole assessment: names, sizes, and that its value is of its kind.
Result<void> check_assessment(const Assessment& assessment);

// What a search compares: the plain value behind an assessment's content.
Json value_of(const Assessment& assessment);

lineage::Change change_of(std::string_view kind, Json body);

}  // namespace millrace::traces
