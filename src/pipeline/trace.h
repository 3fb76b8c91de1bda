// How a finished stage stands in the lineage graph.
#pragma once
#include <string>
#include <string_view>

#include "lineage/journal.h"
#include "pipeline/pipeline.h"

namespace millrace::pipeline {

std::string stage_node(std::string_view stage, std::string_view key);

// The line stage.ran: dataset versions, upstream outs, code and environment are edges to the record, and it to each of
// its outs. `columns` (columns/read_columns.h, or null) stand on the edges from the inputs and name those of the outs.
lineage::Change ran(const StageRecord& record, const Json& columns);

}  // namespace millrace::pipeline
