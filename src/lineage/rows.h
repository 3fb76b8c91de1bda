// Rows of the graph as values. For the .cc files of this folder.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "lineage/journal.h"
#include "store/database.h"

namespace millrace::lineage {

inline constexpr std::string_view kEdgeColumns = "source, target, kind, columns, run";
Edge to_edge(const store::Row& row);  // of kEdgeColumns
Result<std::optional<Node>> find_node(store::Session& session, const std::string& workspace, const std::string& id);

}  // namespace millrace::lineage
