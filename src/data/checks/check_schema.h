// The vocabulary of `implementation` in rules of type custom, engine millrace, as a JSON Schema (draft 2020-12): from
// the same descriptors as the reader's checks, so that editors complete what the reader accepts.
// docs/implementation.schema.json.
#pragma once
#include "core/json.h"

namespace millrace::data {

Json implementation_schema();
Json check_list();  // [{name, summary, runs_on, custom, parameters: [{name, form, required, summary, choices}]}]

}  // namespace millrace::data
