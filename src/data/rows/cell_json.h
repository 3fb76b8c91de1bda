// A value as findings show it, in the forms of engine/table.h.
#pragma once
#include "core/json.h"
#include "data/rows/cell.h"

namespace millrace::data {

Json to_json(const Cell& cell);              // null for a missing one, and for NaN and infinities
std::string to_json_text(const Cell& cell);  // as JSON itself writes it

}  // namespace millrace::data
