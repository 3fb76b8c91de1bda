// The model repository extension: which models there are, and loading and unloading those of plain files.
#pragma once
#include "api/http.h"
#include "serve/data_plane.h"

namespace millrace::api::oip {

// {"ready": true} leaves out what is not served; no body is {}.
Reply index(const serve::DataPlane& plane, const Request& in);

// Of models that `millrace serve` was started with. A release is refused with its own command, and so are the
// parameters "config" and "file:...": what is served comes from the file that the server was started with.
Reply load(serve::DataPlane& plane, const Request& in);
Reply unload(serve::DataPlane& plane, const Request& in);

}  // namespace millrace::api::oip
