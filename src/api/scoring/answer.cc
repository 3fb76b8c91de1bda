#include "api/scoring/answer.h"

#include <fmt/format.h>

#include "api/oip/answer.h"
#include "api/status.h"

namespace millrace::api::scoring {
namespace {
using serve::Tensor;

// One level of lists from `level` on; `at` is the element that comes next.
void append_nested(std::string& out, const Tensor& tensor, size_t level, size_t& at) {
  if (level == tensor.shape.rank()) return oip::append_json_element(out, tensor, at++);
  out.push_back('[');
  for (int64_t i = 0; i < tensor.shape[level]; ++i) {
    if (i > 0) out.push_back(',');
    append_nested(out, tensor, level + 1, at);
  }
  out.push_back(']');
}

size_t elements_a_row(const Tensor& tensor) {
  size_t each = 1;
  for (size_t i = 1; i < tensor.shape.rank(); ++i) each *= static_cast<size_t>(tensor.shape[i]);
  return each;
}

bool all_by_row(const std::vector<Tensor>& outputs) {
  for (const auto& tensor : outputs)
    if (tensor.shape.rank() == 0 || tensor.shape[0] != outputs[0].shape[0]) return false;
  return !outputs.empty();
}

using Specs = std::vector<serve::TensorSpec>;

void append_records(std::string& out, const Specs& specs, const std::vector<Tensor>& outputs) {
  std::vector<size_t> at(outputs.size(), 0);
  for (int64_t row = 0; row < outputs[0].shape[0]; ++row) {
    out += row > 0 ? ",{" : "{";
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (i > 0) out.push_back(',');
      oip::append_json_text(out, specs[i].name);
      out.push_back(':');
      if (elements_a_row(outputs[i]) == 1)
        oip::append_json_element(out, outputs[i], at[i]++);
      else
        append_nested(out, outputs[i], 1, at[i]);
    }
    out.push_back('}');
  }
}

void append_named(std::string& out, const Specs& specs, const std::vector<Tensor>& outputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (i > 0) out.push_back(',');
    oip::append_json_text(out, specs[i].name);
    out.push_back(':');
    size_t at = 0;
    append_nested(out, outputs[i], 0, at);
  }
}

}  // namespace

Reply predictions(Frame::Form form, const serve::InferReply& reply) {
  const auto& arm = *reply.arm;
  const bool records = form == Frame::Form::table && all_by_row(reply.outputs);
  Reply answer;
  answer.body = records ? "{\"predictions\":[" : "{\"predictions\":{";
  if (records)
    append_records(answer.body, arm.arm.outputs, reply.outputs);
  else
    append_named(answer.body, arm.arm.outputs, reply.outputs);
  answer.body += records ? "]}" : "}}";
  answer.headers = {{"Millrace-Prediction-Id", reply.prediction_id},
                    {"Millrace-Release", arm.release},
                    {"Millrace-Arm", arm.arm.name}};
  if (!reply.flags.empty()) answer.headers.emplace_back("Millrace-Flags", to_text(serve::to_json(reply.flags)));
  return answer;
}

Reply held(const serve::InferReply& reply) {
  auto out = Reply::json({{"message", oip::case_text(reply)}, {"case", oip::case_body(reply)}}, 202);
  out.headers.insert(out.headers.end(), {{"Millrace-Prediction-Id", reply.prediction_id},
                                         {"Millrace-Release", reply.arm->release},
                                         {"Millrace-Arm", reply.arm->arm.name},
                                         {"Millrace-Case", serve::case_id(reply.prediction_id)},
                                         {"Location", oip::case_address(reply)}});
  return out;
}

Reply refusal(const serve::InferReply& reply) {
  const auto& why = *reply.refusal;
  return Reply::json({{"error_code", "INVALID_PARAMETER_VALUE"},
                      {"message", fmt::format("The contract refuses row {}: {} (field {}, rule {}).", why.row,
                                              why.message, why.field, why.rule)},
                      {"field", why.field},
                      {"rule", why.rule},
                      {"row", why.row},
                      {"prediction_id", reply.prediction_id}},
                     http_status(Code::rejected));
}

Reply error_answer(const Error& error) {
  const bool request = error.code() == Code::invalid || error.code() == Code::too_large;
  auto reply = Reply::json(
      {{"error_code", request ? "BAD_REQUEST" : std::string(mlflow_code(error.code()))}, {"message", error.text()}},
      http_status(error.code()));
  if (error.code() == Code::unavailable) reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

Reply unsupported_type(std::string message) { return Reply::text(std::move(message), 415); }

}  // namespace millrace::api::scoring
