// The model's contract in the request path: a row that breaks it is refused with field and rule before the model sees
// it.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "serve/tensor.h"

namespace millrace::serve {

struct Refusal {
  std::string field, rule;
  std::string message;  // for the caller; the value is masked where the contract classifies the field
  size_t row = 0;
};

// Immutable, thread-safe.
class Guard {
 public:
  virtual ~Guard() = default;
  // nothing: every row holds. Tensors are those of the model's inputs, in its order.
  virtual std::optional<Refusal> check(std::span<const Tensor> inputs) const = 0;
};

// A contract's fields are the model's inputs by name, or, for a model with one input of shape [-1, n], its n columns in
// order. `invalid` when a required field is no input, or when an input has no field: nothing may reach the model
// unguarded.
Result<std::unique_ptr<const Guard>> load_guard(const std::string& contract_path,
                                                const std::vector<TensorSpec>& inputs);

}  // namespace millrace::serve
