// Bodies of requests and answers that are compressed for the way (Content-Encoding, Accept-Encoding). For routes whose
// BodyLimit is `encoded`.
#pragma once
#include "api/http.h"

namespace millrace::api {

// Puts the plain bytes in place of a coded body, with room behind them as request bodies have. `invalid` for a coding
// that is not read and for damaged bytes, `too_large` for more than `limit`.
Result<void> unpack_body(Request& request, size_t limit);

// Compresses a plain answer when its client takes that, when it has 1 KiB to 8 MiB, and when it becomes smaller.
void pack_answer(const Request& request, Reply& reply);

}  // namespace millrace::api
