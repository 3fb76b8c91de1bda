// What an inference request must be, whatever it is written in: names, types, shapes, rows, wanted outputs. JSON
// (parse.h) and protocol buffers (grpc/) read their own syntax and say here what they found.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "serve/data_plane.h"

namespace millrace::api::oip {

inline constexpr size_t kTextBytes = 250;  // ids, names and parameters; `too_large` beyond

Error bad(std::string what, std::string field);  // `invalid` at a field
Result<void> check_text(std::string_view text, std::string_view field);
std::string input_field(size_t number, std::string_view part);  // "inputs[2].shape"; part "" = "inputs[2]"
std::string output_field(size_t number, std::string_view part);

// Sticky assignment by a header (metadata) that a gateway sets, where the request itself names no unit: Millrace-Unit,
// else the deployment's own. `head` answers a header by its name in lower case, "" = none.
using Head = std::function<std::string_view(std::string_view name)>;
Result<void> take_unit(const Head& head, const serve::Served& served, serve::InferRequest& request);

// `number` is the place in the request, for errors.
Result<serve::DType> read_datatype(std::string_view name, size_t number);
Result<void> push_dimension(serve::Shape& shape, int64_t dim, size_t number);

// One request of one arm. Not thread-safe.
class CallBuilder {
 public:
  CallBuilder(const serve::Arm& arm, bool batched, serve::InferRequest& out);

  // The tensor of this input, with its type and shape, to be filled. It is in the request.
  Result<serve::Tensor*> input(size_t number, std::string_view name, serve::DType type, const serve::Shape& shape);
  Result<void> output(size_t number, std::string_view name);
  // Is every input there? Wants all outputs when none was named.
  Result<void> finish();

 private:
  Result<void> same_rows(size_t number, const serve::Shape& shape, const serve::TensorSpec& spec);

  const serve::Arm& arm_;
  const bool batched_;
  serve::InferRequest& out_;
  std::vector<bool> given_;
  int64_t rows_ = 0;
  std::string_view rows_of_;
};

}  // namespace millrace::api::oip
