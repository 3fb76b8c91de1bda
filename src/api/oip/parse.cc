#include "api/oip/parse.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "api/oip/call.h"
#include "api/oip/elements.h"
#include "api/oip/packed.h"
#include "api/oip/parameters.h"

namespace millrace::api::oip {
namespace {
namespace od = simdjson::ondemand;
using serve::Tensor;

constexpr size_t kKeptBody = 1 << 20;  // a parser that has seen more is thrown away with its buffers

Error malformed(std::string field) { return bad("the body is not valid JSON, or it was cut short", std::move(field)); }

struct InputHead {
  size_t number;
  std::optional<std::string> name;
  std::optional<serve::DType> type;
  std::optional<serve::Shape> shape;
  std::optional<size_t> binary_size;
};

class Parser {
 public:
  Parser(const serve::Arm& arm, bool batched, std::string_view raw, InferCall& out)
      : call_(arm, batched, out.request), raw_(raw), out_(out) {}

  Result<void> root(od::object object) {
    for (auto field : object) {
      MILLRACE_TRY(const auto key, key_of(field, ""));
      od::value value;
      if (field.value().get(value) != simdjson::SUCCESS) return malformed(key);
      MILLRACE_DO(once(key, seen_));
      if (key == "id")
        MILLRACE_DO(text(value, "id", out_.request.request_id));
      else if (key == "parameters")
        MILLRACE_DO(parameters(value));
      else if (key == "inputs")
        MILLRACE_DO(inputs(value));
      else if (key == "outputs")
        MILLRACE_DO(outputs(value));
      else
        return bad("the protocol has no such field here", key).hint("id, parameters, inputs and outputs are known");
    }
    out_.has_id = has("id");
    return finish();
  }

 private:
  using Keys = std::vector<std::string>;

  static Result<std::string> key_of(simdjson::simdjson_result<od::field>& field, const std::string& at) {
    std::string_view key;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS) return malformed(at);
    return std::string(key.substr(0, kTextBytes));
  }
  bool has(std::string_view key) const { return std::find(seen_.begin(), seen_.end(), key) != seen_.end(); }
  static Result<void> once(const std::string& key, Keys& seen, const std::string& at = "") {
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) return bad("the field stands twice", at + key);
    seen.push_back(key);
    return {};
  }
  static Result<void> text(od::value& value, const std::string& field, std::string& out) {
    std::string_view view;
    if (value.get_string().get(view) != simdjson::SUCCESS) return bad("a text is expected", field);
    MILLRACE_DO(check_text(view, field));
    out = view;
    return {};
  }
  static Result<void> flag(od::value& value, const std::string& field, bool& out) {
    if (value.get_bool().get(out) != simdjson::SUCCESS) return bad("true or false is expected", field);
    return {};
  }

  Result<void> parameters(od::value& value) {
    od::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return bad("an object is expected", "parameters");
    Keys seen;
    for (auto field : object) {
      MILLRACE_TRY(const auto key, key_of(field, "parameters"));
      const std::string at = "parameters." + key;
      od::value parameter;
      if (field.value().get(parameter) != simdjson::SUCCESS) return malformed(at);
      MILLRACE_DO(once(key, seen, "parameters."));
      if (key == "binary_data_output")
        MILLRACE_DO(flag(parameter, at, binary_output_));
      else
        MILLRACE_DO(read_parameter(key, value_of(parameter), "binary_data_output", out_.request));
    }
    return {};
  }

  static ParameterValue value_of(od::value& value) {
    if (std::string_view text; value.get_string().get(text) == simdjson::SUCCESS) return text;
    if (int64_t whole = 0; value.get_int64().get(whole) == simdjson::SUCCESS) return whole;
    if (uint64_t whole = 0; value.get_uint64().get(whole) == simdjson::SUCCESS) return whole;
    if (double number = 0; value.get_double().get(number) == simdjson::SUCCESS) return number;
    if (bool is = false; value.get_bool().get(is) == simdjson::SUCCESS) return is;
    return {};
  }

  Result<void> inputs(od::value& value) {
    od::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return bad("a list is expected", "inputs");
    size_t number = 0;
    for (auto element : array) {
      od::object object;
      if (element.get_object().get(object) != simdjson::SUCCESS)
        return bad("an object is expected", input_field(number, ""));
      MILLRACE_DO(input(object, number++));
    }
    return {};
  }

  // Usually `data` comes last, and one pass does. Otherwise it is left for a second look, when type and shape are
  // known.
  Result<void> input(od::object& object, size_t number) {
    const std::string at = input_field(number, "");
    InputHead head{.number = number};
    Keys seen;
    bool has_data = false, done = false;
    for (auto field : object) {
      MILLRACE_TRY(const auto key, key_of(field, at));
      const std::string here = at + "." + key;
      od::value value;
      if (field.value().get(value) != simdjson::SUCCESS) return malformed(here);
      MILLRACE_DO(once(key, seen, at + "."));
      if (key == "name")
        MILLRACE_DO(text(value, here, head.name.emplace()));
      else if (key == "datatype")
        MILLRACE_DO(datatype(value, here, head));
      else if (key == "shape")
        MILLRACE_DO(shape(value, here, head));
      else if (key == "parameters")
        MILLRACE_DO(input_parameters(value, here, head));
      else if (key != "data")
        return bad("the protocol has no such field here", here)
            .hint("name, shape, datatype, parameters and data are known");
      has_data |= key == "data";
      if (key != "data" || !head.name || !head.type || !head.shape) continue;
      MILLRACE_DO(fill(head, at, &value));
      done = true;
    }
    if (done && !head.binary_size) return {};
    if (has_data && head.binary_size) return bad("data and binary_data_size exclude each other", at);
    if (!has_data && !head.binary_size) return bad("the input has no data", at + ".data");
    if (!has_data) return fill(head, at, nullptr);
    od::value value;
    if (object.reset().error() != simdjson::SUCCESS ||
        object.find_field_unordered("data").get(value) != simdjson::SUCCESS)
      return malformed(at + ".data");
    return fill(head, at, &value);
  }

  static Result<void> datatype(od::value& value, const std::string& at, InputHead& head) {
    std::string name;
    MILLRACE_DO(text(value, at, name));
    MILLRACE_TRY(head.type, read_datatype(name, head.number));
    return {};
  }

  static Result<void> shape(od::value& value, const std::string& at, InputHead& head) {
    od::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return bad("a list is expected", at);
    head.shape.emplace();
    for (auto element : array) {
      int64_t dim = 0;
      if (element.get_int64().get(dim) != simdjson::SUCCESS) dim = -1;
      MILLRACE_DO(push_dimension(*head.shape, dim, head.number));
    }
    return {};
  }

  static Result<void> input_parameters(od::value& value, const std::string& at, InputHead& head) {
    od::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return bad("an object is expected", at);
    for (auto field : object) {
      MILLRACE_TRY(const auto key, key_of(field, at));
      if (key != "binary_data_size")
        return bad("this parameter is not known", at + "." + key).hint("binary_data_size is");
      if (head.binary_size) return bad("the field stands twice", at + "." + key);
      uint64_t size = 0;
      if (field.value().get_uint64().get(size) != simdjson::SUCCESS)
        return bad("a whole number of bytes is expected", at + "." + key);
      head.binary_size = size;
    }
    return {};
  }

  // data: null when it is binary.
  Result<void> fill(const InputHead& head, const std::string& at, od::value* data) {
    if (!head.name) return bad("the input has no name", at + ".name");
    if (!head.type) return bad("the input has no datatype", at + ".datatype");
    if (!head.shape) return bad("the input has no shape", at + ".shape");
    MILLRACE_TRY(Tensor* const tensor, call_.input(head.number, *head.name, *head.type, *head.shape));
    Tensor& out = *tensor;
    if (data != nullptr) return read_elements(*data, at + ".data", out);
    if (*head.binary_size > raw_.size())
      return bad(fmt::format("binary_data_size is {}, {} bytes are left in the body", *head.binary_size, raw_.size()),
                 at + ".parameters.binary_data_size");
    auto read = read_raw(raw_.substr(0, *head.binary_size), at, out);
    raw_.remove_prefix(*head.binary_size);
    return read;
  }

  Result<void> outputs(od::value& value) {
    od::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return bad("a list is expected", "outputs");
    size_t number = 0;
    for (auto element : array) {
      od::object object;
      if (element.get_object().get(object) != simdjson::SUCCESS)
        return bad("an object is expected", output_field(number, ""));
      MILLRACE_DO(output(object, number++));
    }
    return {};
  }

  Result<void> output(od::object& object, size_t number) {
    const std::string at = output_field(number, "");
    Keys seen;
    std::optional<std::string> name;
    std::optional<bool> binary;
    for (auto field : object) {
      MILLRACE_TRY(const auto key, key_of(field, at));
      od::value value;
      if (field.value().get(value) != simdjson::SUCCESS) return malformed(at);
      MILLRACE_DO(once(key, seen, at + "."));
      if (key == "name")
        MILLRACE_DO(text(value, at + ".name", name.emplace()));
      else if (key == "parameters")
        MILLRACE_DO(output_parameters(value, at + ".parameters", binary));
      else
        return bad("the protocol has no such field here", at + "." + key).hint("name and parameters are known");
    }
    if (!name) return bad("the output has no name", at + ".name");
    MILLRACE_DO(call_.output(number, *name));
    binary_.push_back(binary);
    return {};
  }

  static Result<void> output_parameters(od::value& value, const std::string& at, std::optional<bool>& binary) {
    od::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return bad("an object is expected", at);
    for (auto field : object) {
      MILLRACE_TRY(const auto key, key_of(field, at));
      if (key != "binary_data") return bad("this parameter is not known", at + "." + key).hint("binary_data is");
      if (binary) return bad("the field stands twice", at + "." + key);
      bool flagged = false;
      if (field.value().get_bool().get(flagged) != simdjson::SUCCESS)
        return bad("true or false is expected", at + "." + key);
      binary = flagged;
    }
    return {};
  }

  Result<void> finish() {
    if (!has("inputs")) return bad("the request has no inputs", "inputs");
    MILLRACE_DO(call_.finish());
    if (!raw_.empty())
      return bad(fmt::format("{} bytes after the last binary tensor belong to none", raw_.size()), "body");
    binary_.resize(out_.request.wanted.size());
    for (const auto& each : binary_) out_.binary.push_back(each.value_or(binary_output_));
    out_.request.json_answer = std::find(out_.binary.begin(), out_.binary.end(), false) != out_.binary.end();
    return {};
  }

  CallBuilder call_;
  std::string_view raw_;
  InferCall& out_;
  Keys seen_;
  std::vector<std::optional<bool>> binary_;
  bool binary_output_ = false;
};

Result<InferCall> parse_with(od::parser& parser, const InferBody& body, size_t json_size, const serve::Arm& arm,
                             bool batched) {
  const simdjson::padded_string_view json(body.bytes.data(), json_size, body.bytes.capacity());
  od::document document;
  od::object root;
  if (parser.iterate(json).get(document) != simdjson::SUCCESS) return malformed("body");
  if (document.get_object().get(root) != simdjson::SUCCESS) return bad("the body is not a JSON object", "body");
  InferCall out;
  MILLRACE_DO(Parser(arm, batched, std::string_view(body.bytes).substr(json_size), out).root(root));
  if (document.current_location().error() != simdjson::OUT_OF_BOUNDS)
    return bad("the JSON object is followed by more text", "body");
  return out;
}

}  // namespace

Result<std::optional<size_t>> parse_json_size(std::string_view header, size_t body_size) {
  if (header.empty()) return std::optional<size_t>();
  size_t size = 0;
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), size);
  if (error != std::errc{} || end != header.data() + header.size() || size > body_size)
    return bad(
        fmt::format("'{}' is not the length of the JSON part of a body of {} bytes", header.substr(0, 40), body_size),
        "Inference-Header-Content-Length");
  return std::optional<size_t>(size);
}

Result<InferCall> parse_infer(const InferBody& body, const serve::Arm& arm, bool batched) {
  if (body.bytes.capacity() < body.bytes.size() + simdjson::SIMDJSON_PADDING)
    return Error{Code::internal, "the body lies in a buffer without room behind it"};
  const size_t json_size = body.json_size.value_or(body.bytes.size());
  if (json_size > kKeptBody) {
    od::parser parser;
    return parse_with(parser, body, json_size, arm, batched);
  }
  // Scratch of this thread: its buffers are worth keeping, and nothing of a request stays in it.
  static thread_local od::parser parser;
  return parse_with(parser, body, json_size, arm, batched);
}

}  // namespace millrace::api::oip
