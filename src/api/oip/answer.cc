#include "api/oip/answer.h"

#include <charconv>

#include <fmt/format.h>

#include "api/oip/packed.h"
#include "api/status.h"
#include "serve/half.h"

namespace millrace::api::oip {
namespace {
using serve::DType;
using serve::Tensor;

template <class T>
void append_number(std::string& out, T value) {
  char digits[32];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, error == std::errc{} ? end : digits);
}

// One-byte integers are characters to to_chars' overloads; a float holds every 16-bit float.
template <class T>
void append_value(std::string& out, T value) {
  if constexpr (sizeof(T) == 1)
    append_number(out, static_cast<int>(value));
  else if constexpr (std::is_class_v<T>)
    append_number(out, static_cast<float>(value.number()));
  else
    append_number(out, value);
}

struct Flagged {  // a BOOL
  uint8_t byte;
};
void append_value(std::string& out, Flagged value) { out += value.byte != 0 ? "true" : "false"; }

// `write` is called with the elements' type.
template <class Write>
void with_type(const Tensor& tensor, Write&& write) {
  switch (tensor.type) {
    case DType::boolean: return write(Flagged{});
    case DType::uint8: return write(uint8_t{});
    case DType::uint16: return write(uint16_t{});
    case DType::uint32: return write(uint32_t{});
    case DType::uint64: return write(uint64_t{});
    case DType::int8: return write(int8_t{});
    case DType::int16: return write(int16_t{});
    case DType::int32: return write(int32_t{});
    case DType::int64: return write(int64_t{});
    case DType::fp16: return write(serve::Half{});
    case DType::bf16: return write(serve::Brain{});
    case DType::fp32: return write(float{});
    case DType::fp64: return write(double{});
    case DType::bytes: return;
  }
}

void append_output(std::string& out, const serve::TensorSpec& spec, const Tensor& tensor, bool binary) {
  out += "{\"name\":";
  append_json_text(out, spec.name);
  out += ",\"datatype\":\"";
  out += name_of(tensor.type);
  out += "\",\"shape\":";
  out += tensor.shape.text();
  if (binary) {
    out += ",\"parameters\":{\"binary_data_size\":";
    append_number(out, raw_size(tensor));
    out += "}}";
    return;
  }
  out += ",\"data\":[";
  append_json_data(out, tensor);
  out += "]}";
}

}  // namespace

void append_json_text(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20) {
      out += "\\u00";
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void append_json_data(std::string& out, const Tensor& tensor) {
  for (size_t i = 0; i < tensor.texts.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_json_text(out, tensor.texts[i]);
  }
  with_type(tensor, [&]<class T>(T) {
    bool first = true;
    for (const T value : tensor.as<T>()) {
      if (!first) out.push_back(',');
      first = false;
      append_value(out, value);
    }
  });
}

void append_json_element(std::string& out, const Tensor& tensor, size_t at) {
  if (tensor.type == DType::bytes) return append_json_text(out, tensor.texts[at]);
  with_type(tensor, [&]<class T>(T) { append_value(out, tensor.as<T>()[at]); });
}

Reply infer_reply(const InferCall& call, const serve::InferReply& reply) {
  const serve::ServedArm& served = *reply.arm;
  Reply answer;
  std::string& out = answer.body;
  out = "{\"model_name\":";
  append_json_text(out, served.arm.deployment);
  out += ",\"model_version\":";
  append_json_text(out, served.version);
  if (call.has_id) {
    out += ",\"id\":";
    append_json_text(out, call.request.request_id);
  }
  out += ",\"parameters\":{\"millrace_prediction_id\":";
  append_json_text(out, reply.prediction_id);
  out += ",\"millrace_release\":";
  append_json_text(out, served.release);
  out += ",\"millrace_arm\":";
  append_json_text(out, served.arm.name);
  if (!reply.flags.empty()) {
    out += ",\"millrace_flags\":";  // parameters are texts, numbers and booleans
    append_json_text(out, to_text(serve::to_json(reply.flags)));
  }
  if (reply.held) {
    out += ",\"millrace_case\":";
    append_json_text(out, serve::case_id(reply.prediction_id));
  }
  out += "},\"outputs\":[";
  bool any_binary = false;
  for (size_t i = 0; i < reply.outputs.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_output(out, served.arm.outputs[call.request.wanted[i]], reply.outputs[i], call.binary[i]);
    any_binary |= call.binary[i];
  }
  out += "]}";
  if (!any_binary) return answer;
  answer.content_type = "application/octet-stream";
  answer.headers.emplace_back("Inference-Header-Content-Length", std::to_string(out.size()));
  for (size_t i = 0; i < reply.outputs.size(); ++i)
    if (call.binary[i]) append_raw(out, reply.outputs[i]);
  return answer;
}

std::string case_address(const serve::InferReply& reply) {
  return "/api/millrace/v1/cases/" + serve::case_id(reply.prediction_id);
}

std::string case_text(const serve::InferReply& reply) {
  return fmt::format("a person decides this request (rule {}, row {}); GET {} tells the decision", reply.held->rule,
                     reply.held->rows.front(), case_address(reply));
}

Json case_body(const serve::InferReply& reply) {
  Json out = serve::case_json(*reply.held, reply.prediction_id);
  out["state"] = "open";
  out["prediction_id"] = reply.prediction_id;
  out["address"] = case_address(reply);
  return out;
}

// What an answer says, without outputs. Clients of the protocol that take any status but 200 for a failure show
// `error`.
Reply case_reply(const InferCall& call, const serve::InferReply& reply) {
  auto out = infer_reply(call, reply);
  out.status = 202;
  out.body.pop_back();
  out.body += ",\"error\":";
  append_json_text(out.body, case_text(reply));
  out.body += ",\"case\":" + to_text(case_body(reply)) + "}";
  out.headers.emplace_back("Location", case_address(reply));
  return out;
}

Reply refusal_reply(const serve::InferReply& reply) {
  const auto& refusal = *reply.refusal;
  return Reply::json({{"error", fmt::format("the contract refuses row {}: {} (field {}, rule {})", refusal.row,
                                            refusal.message, refusal.field, refusal.rule)},
                      {"code", "rejected"},
                      {"field", refusal.field},
                      {"rule", refusal.rule},
                      {"row", refusal.row},
                      {"model_version", reply.arm->version},
                      {"arm", reply.arm->arm.name},
                      {"prediction_id", reply.prediction_id}},
                     http_status(Code::rejected));
}

Reply error_answer(const Error& error) {
  Json body{{"error", error.text()}, {"code", std::string(name_of(error.code()))}};
  if (!error.where().field.empty()) body["field"] = error.where().field;
  auto reply = Reply::json(body, http_status(error.code()));
  if (error.code() == Code::unavailable) reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

}  // namespace millrace::api::oip
