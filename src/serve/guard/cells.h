// Elements of tensors as the cells that a contract's rules look at, and back. Pure.
#pragma once
#include <functional>

#include "data/rows/cell.h"
#include "serve/tensor.h"

namespace millrace::serve {

// A text lies in the tensor. An unsigned integer above 2^63 is a number: beyond every bound that a contract can name
// exactly.
data::Cell cell_of(const Tensor& tensor, size_t at);

// Writes what comes nearest to `wanted` and fits the tensor's type, on the side of it that lies away from `from`, which
// stands there. `holds` looks at the tensor; false: it was not content, and the element means nothing.
bool put_nearest(Tensor& tensor, size_t at, const data::Cell& from, const data::Cell& wanted,
                 const std::function<bool()>& holds);

}  // namespace millrace::serve
