// From outputs to the body of an answer: numbers in their shortest form that reads back exactly, binary tensors behind
// the JSON.
#pragma once
#include "api/http.h"
#include "api/oip/parse.h"
#include "serve/data_plane.h"

namespace millrace::api::oip {

// model_version, release and arm are those of who answered.
Reply infer_reply(const InferCall& call, const serve::InferReply& reply);
// 422 {"error", "field", "rule", "row", "prediction_id", "model_version", "arm"}: the contract says no.
// 202: no outputs, a person decides.
Reply case_reply(const InferCall& call, const serve::InferReply& reply);
std::string case_address(const serve::InferReply& reply);  // of the native API
std::string case_text(const serve::InferReply& reply);     // for people
Json case_body(const serve::InferReply& reply);            // {id, state, rule, rows, matched, prediction_id, address}
Reply refusal_reply(const serve::InferReply& reply);
// {"error": text}, with "code" and "field" where there is one; 503 carries Retry-After.
Reply error_answer(const Error& error);

void append_json_text(std::string& out, std::string_view text);  // quoted and escaped
void append_json_data(std::string& out, const serve::Tensor& tensor);
void append_json_element(std::string& out, const serve::Tensor& tensor, size_t at);

}  // namespace millrace::api::oip
