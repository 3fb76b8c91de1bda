// Several requests as one call of the model: what a call costs beside its rows is then paid once. Only requests that
// wait at the same moment share a call; none is kept waiting for others to come.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "serve/runtime.h"

namespace millrace::serve {

enum class Batching {
  off,
  exact,  // only models whose rows get the same bits beside others as alone
  close,  // also those whose floats differ by at most 1e-5, relatively above 1: large networks
};
Result<Batching> read_batching(std::string_view name);

// Why requests to this model do not share calls; "" = they may. Tries the model: rows made from a fixed seed, alone and
// beside others.
std::string why_alone(const Model& model, Batching batching, const Clock& clock);

// Can these share a call: tensors of the same types, and the same shapes but for the rows? Both are requests to one
// model whose calls may be shared.
bool fits_beside(std::span<const Tensor> a, std::span<const Tensor> b);
size_t rows_in(std::span<const Tensor> inputs);  // of a batched model's request

// What is left of a shared call. The first request always finds room.
class CallRoom {
 public:
  bool take(std::span<const Tensor> inputs);

 private:
  size_t requests_ = 0, rows_ = 0, bytes_ = 0;
};

// One request with the rows of all, in their order.
std::vector<Tensor> join_rows(std::span<const std::span<const Tensor>> requests);
// The outputs of each request, of `rows[i]` rows. `internal` when the model did not answer every row.
Result<std::vector<std::vector<Tensor>>> split_rows(std::span<const Tensor> outputs, std::span<const size_t> rows);

}  // namespace millrace::serve
