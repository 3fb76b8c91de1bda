// One request for predictions and its answer, as the data plane takes and gives them.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "serve/guard.h"
#include "serve/prediction.h"
#include "serve/tensor.h"

namespace millrace::serve {

struct ServedArm;

struct InferRequest {
  std::vector<Tensor> inputs;  // one for each input of the model, in its order; types and shapes fit
  std::vector<size_t> wanted;  // indexes of outputs
  std::string request_id;
  Micros event_time = 0;  // 0: the time of arrival
  std::string unit, input;
  // Steady clock. A request that waited longer than `timeout` since it arrived is not begun; 0: none. Arrived 0: now.
  Micros arrived = 0, timeout = 0;
  bool admitted = false;    // it holds a seat already (DataPlane::take_seat)
  bool json_answer = true;  // outputs must fit JSON: no NaN, no infinity, UTF-8
};

struct InferReply {
  std::string prediction_id;
  const ServedArm* arm = nullptr;  // who answered; lives as long as the target that was asked
  std::optional<Refusal> refusal;  // set: there are no outputs
  std::vector<Flag> flags;         // what broke the contract and was answered all the same
  std::optional<Case> held;        // set: there are no outputs, a person decides
  std::vector<Tensor> outputs;     // one for each of `wanted`
};

}  // namespace millrace::serve
