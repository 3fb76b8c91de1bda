// Tensors in shared memory: a request to a model's process, and its answer. The other side may change the bytes at any
// moment: every number is read once, checked, and only then used.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "core/result.h"
#include "serve/tensor.h"

namespace millrace::serve::process {

struct Asked {
  std::vector<Tensor> inputs;
  std::vector<size_t> wanted;
};

// Bytes used. `too_large` when they do not fit.
Result<size_t> write_request(std::span<std::byte> room, std::span<const Tensor> inputs, std::span<const size_t> wanted);
// `corrupt` when it is no request.
Result<Asked> read_request(std::span<const std::byte> room);

// What the model said, an error too; always fits, in the end as an error that says that it does not.
size_t write_answer(std::span<std::byte> room, const Result<std::vector<Tensor>>& answer);

struct Answer {
  Result<std::vector<Tensor>> said;
  size_t used = 0;  // bytes of the room
};
// `corrupt` unless it is an error or one tensor for each of `wanted`, of the type that outputs[wanted] has.
Result<Answer> read_answer(std::span<const std::byte> room, std::span<const TensorSpec> outputs,
                           std::span<const size_t> wanted);

}  // namespace millrace::serve::process
