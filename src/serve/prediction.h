// What is kept of one request: the payload of a record in the prediction log, and its reading back.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/json.h"
#include "serve/guard.h"
#include "serve/tensor.h"

namespace millrace::serve {

inline constexpr std::string_view kStable = "stable", kCanary = "canary", kShadow = "shadow";

// Who answered: one model of one release. Written once a segment, and named by `key` in every record.
struct Arm {
  std::string deployment, workspace;
  int64_t release = 0;  // 0: a model file given on the command line
  std::string name;     // kStable, kCanary, kShadow
  std::string model;
  int64_t version = 0;
  std::string digest;    // of the model file
  std::string contract;  // digest of the contract's file that guarded the inputs; "" = none
  std::vector<TensorSpec> inputs, outputs;

  std::string release_node() const;  // release:NAME@N, or file:NAME@<first digits of the digest>
  Json to_json() const;
  static Result<Arm> of_json(const Json& json);
};

enum class Outcome : uint8_t { answered, refused, failed };  // refused by the contract; failed in the model
std::string_view name_of(Outcome outcome);

// A request whose answer a person decides: which rule said so, for which rows.
struct Case {
  std::string rule;
  std::vector<uint32_t> rows;  // the first kCaseRows of them
  uint32_t matched = 0;        // how many there are
  bool operator==(const Case&) const = default;
};
inline constexpr size_t kCaseRows = 100;
std::string case_id(std::string_view prediction_id);               // "case-" and the id
Json to_json(const Case& held);                                    // {rule, rows, matched}
Result<Case> case_of_json(const Json& json);                       // `corrupt` unless to_json() wrote it
Json case_json(const Case& held, std::string_view prediction_id);  // also with its id

// The facts of a request beside its tensors.
struct PredictionFacts {
  std::string id;  // a UUID of version 7
  Micros event_time = 0, arrived_at = 0;
  Outcome outcome = Outcome::answered;
  // As the request's parameters gave them, the unit else by the deployment's input; "" = not given.
  std::string unit, input, request_id;
  std::string field, rule;  // what refused it, or why it failed
  // Microseconds from arrival until just before the record is written; -1 = not known. A shadow's: of its own run,
  // without its wait in the queue.
  int64_t duration_us = -1;
  std::vector<Flag> flags;   // what broke the contract and was answered all the same
  std::optional<Case> held;  // the model's answer was not given out: a person decides
};

struct Prediction : PredictionFacts {
  std::vector<Tensor> inputs;   // in the arm's order
  std::vector<size_t> wanted;   // which outputs were asked for
  std::vector<Tensor> outputs;  // one for each of `wanted`; none unless answered

  size_t rows() const;  // at least 1
  Json to_json(const Arm& arm) const;
};

// A shadow's record carries the id, times and parameters of the request that it copies.
std::string encode(uint64_t arm_key, const PredictionFacts& facts, std::span<const Tensor> inputs,
                   std::span<const size_t> wanted, std::span<const Tensor> outputs);
struct Decoded {
  uint64_t arm_key = 0;
  Prediction prediction;
};
// `corrupt` on anything that encode() does not write, now or as it did before durations, flags and cases were known.
Result<Decoded> decode(std::string_view payload);
bool has_case(std::string_view payload);  // of encode(), without decoding it

Json to_json(const std::vector<Flag>& flags);  // [{field, rule, row, verdict}]
Json tensor_json(const Tensor& tensor);        // flat values; NaN and infinities as text

}  // namespace millrace::serve
