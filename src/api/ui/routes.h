// The web UI under /ui/: static files, open to all, that talk to the native API. docs/ui.md says how they are sent.
#pragma once
#include "api/http.h"
#include "api/ui/files.h"
#include "core/context.h"

namespace millrace::api::ui {

// Stands in index.html where the nonce of its style elements goes; a new one each time.
inline constexpr std::string_view kNoncePlace = "__MILLRACE_NONCE__";

// `files` and `context` must outlive the routes. GET / sends browsers to /ui/ and answers others as if it were not
// there.
Routes routes(const Files& files, Context& context);

}  // namespace millrace::api::ui
