// Between Arrow's C structs, which ADBC speaks, and our small types. Arrow C++ stays in the .cc.
#pragma once
#include <vector>

#include "core/json.h"
#include "core/result.h"
#include "engine/table.h"

struct ArrowArray;
struct ArrowArrayStream;
struct ArrowSchema;

namespace millrace::engine {

// Takes the stream over and reads it to its end. `too_large` over limits::result_rows or limits::result_bytes; an error
// that the engine raised while it produced rows keeps the engine's text (code `invalid`; the caller may know better).
Result<Table> read_table(ArrowArrayStream* stream);
// The same for a statement that is run for its effect: the count in its first cell, 0 if it has none.
Result<int64_t> read_count(ArrowArrayStream* stream);

// One row with one column a value: null, boolean, integer, number or string. The caller owns what is filled in.
Result<void> make_row(const std::vector<Json>& values, ArrowArray* array, ArrowSchema* schema);

}  // namespace millrace::engine
