// What a scoring request of MLflow carries, before a model's types are known: named columns, or one array without a
// name. Texts lie in `bytes` or in the request's body, which must outlive it.
// https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/ (version 2 of the protocol)
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "serve/tensor.h"

namespace millrace::api::scoring {

// One value. A field of CSV is `field` until a model says what it is to be.
struct Scalar {
  enum class Kind : uint8_t { null, boolean, integer, natural, number, text, field };
  Kind kind = Kind::null;
  union {
    bool boolean;
    int64_t integer = 0;
    uint64_t natural;  // above what `integer` holds
    double number;
  };
  std::string_view text = {};
};

// Row-major; the first dimension counts rows.
struct Column {
  std::string name;
  serve::Shape shape;
  std::vector<Scalar> values;
};

struct Frame {
  // table: rows of columns (dataframe_split, dataframe_records, CSV). tensors: named arrays. array: one without a name.
  enum class Form { table, tensors, array };
  Form form = Form::table;
  std::deque<Column> columns;  // do not move while they are filled
  // Of "params".
  std::string unit, input;
  Micros event_time = 0;

  std::deque<std::string> bytes;      // unescaped fields of CSV
  std::shared_ptr<const void> owner;  // of JSON's texts
};

// `body` has room for 64 bytes behind its end. `invalid` says what is wrong and where, and repeats no value.
Result<Frame> read_json(const std::string& body);
// A head with names, commas, and quotes as in RFC 4180.
Result<Frame> read_csv(std::string_view body);

}  // namespace millrace::api::scoring
