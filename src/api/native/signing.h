// Signatures, provenance and bills of materials of model versions.
#pragma once
#include "api/native/routes.h"

namespace millrace::api::native {

Routes signing_routes(Services& services);

}  // namespace millrace::api::native
