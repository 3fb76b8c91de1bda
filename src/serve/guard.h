// The model's contract in the request path: what breaks it is refused with field and rule before the model sees it, or,
// where the deployment says so, put to the nearest value that the contract allows, or answered and flagged.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "serve/tensor.h"

namespace millrace::engine {
class Engines;
}

namespace millrace::serve {

struct Refusal {
  std::string field, rule;
  std::string message;  // for the caller; the value is masked where the contract classifies the field
  size_t row = 0;
};

// reject: the first value that breaks the contract refuses the request. clamp: a number out of its range becomes the
// nearest one in it; what has no nearest value is refused. flag: everything is answered, with a flag.
enum class GuardMode : uint8_t { reject, clamp, flag };
std::string_view name_of(GuardMode mode);
std::optional<GuardMode> find_guard_mode(std::string_view name);

// A value that broke the contract and was not refused.
struct Flag {
  std::string field, rule;
  uint32_t row = 0;
  bool clamped = false;
  bool operator==(const Flag&) const = default;
};
inline constexpr size_t kTold = 100;  // flags of one request that are told and kept; `flagged` counts all

struct Verdict {
  std::optional<Refusal> refusal;  // set: nothing else is
  std::vector<Flag> flags;         // the first kTold
  size_t flagged = 0;
  std::vector<Tensor> inputs;  // clamped; empty: as they came
};

// Immutable, thread-safe.
class Guard {
 public:
  virtual ~Guard() = default;
  // Tensors are those of the model's inputs, in its order.
  virtual Verdict judge(std::span<const Tensor> inputs, GuardMode mode) const = 0;
  // Rules of the contract between several fields that these inputs cannot be asked, in words.
  virtual const std::vector<std::string>& left_out() const = 0;

  // nothing: every row holds.
  std::optional<Refusal> check(std::span<const Tensor> inputs) const {
    return judge(inputs, GuardMode::reject).refusal;
  }
};

// A contract's fields are the model's inputs by name, or, for a model with one input of shape [-1, n], its n columns in
// order. Conditions between fields are asked where every input has one value a row. `invalid` when a required field is
// no input, or when an input has no field: nothing may reach the model unguarded. `engines` reads the conditions.
Result<std::unique_ptr<const Guard>> load_guard(const std::string& contract_path, const std::vector<TensorSpec>& inputs,
                                                engine::Engines& engines);

}  // namespace millrace::serve
