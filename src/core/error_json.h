// An Error as a document and back: for problem answers, and for errors that are kept.
#pragma once
#include "core/error.h"
#include "core/json.h"

namespace millrace {

Json to_json(const Error& error);        // {code, detail, hint?, doing?, where?}
Error error_of_json(const Json& value);  // `internal` when it has no known code

}  // namespace millrace
