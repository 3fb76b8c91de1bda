// What JSON can carry: finite numbers and valid UTF-8.
#pragma once
#include "serve/tensor.h"

namespace millrace::serve {

bool fits_json(const Tensor& tensor);

}  // namespace millrace::serve
