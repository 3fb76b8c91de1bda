// Answers and errors as MLflow's scoring server writes them, without stack traces and without the caller's data.
#pragma once
#include "api/http.h"
#include "api/scoring/frame.h"
#include "serve/data_plane.h"

namespace millrace::api::scoring {

// {"predictions": [{output: value}]} for a table, one entry a row, {"predictions": {output: [...]}} else. Who answered
// stands in the headers Millrace-Prediction-Id, -Release, -Arm and -Flags.
Reply predictions(Frame::Form form, const serve::InferReply& reply);
// The contract says no: 422 with field, rule, row and prediction_id beside error_code and message.
Reply held(const serve::InferReply& reply);  // 202: a person decides
Reply refusal(const serve::InferReply& reply);
// {"error_code", "message"}: BAD_REQUEST for what is wrong with a request.
Reply error_answer(const Error& error);
Reply unsupported_type(std::string message);  // 415, as text

}  // namespace millrace::api::scoring
