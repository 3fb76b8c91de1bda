// What a client sent, read field by field: a JSON body, or the query of a GET as one. Strict where MLflow's server is
// lax (broken or cut JSON, wrong types, both spellings of one field); unknown fields are ignored, as its protocol
// wants. The first problem is kept and all further reads answer defaults: read everything, then ask error() once.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http.h"
#include "core/json.h"
#include "core/result.h"
#include "track/entities.h"

namespace millrace::api::mlflow {

class Body {
 public:
  // Of a request: the body for POST, PATCH, PUT and DELETE, the query for GET.
  static Body of(const Request& request);

  bool failed() const { return problem_.has_value(); }
  const Error& error() const { return *problem_; }

  bool has(std::string_view name);
  std::string text(std::string_view name);  // required, not empty
  std::string text_or(std::string_view name, std::string_view otherwise = "");
  std::optional<std::string> optional_text(std::string_view name);
  int64_t integer(std::string_view name);  // required
  int64_t integer_or(std::string_view name, int64_t otherwise);
  std::optional<int64_t> optional_integer(std::string_view name);
  double number(std::string_view name);  // required; "NaN", "Infinity" and "-Infinity" too
  bool boolean_or(std::string_view name, bool otherwise);
  std::vector<std::string> texts(std::string_view name);
  // One of `names`, given by name or by number (from `first` on); "" when absent.
  std::string enumerated(std::string_view name, const std::vector<std::string_view>& names, int64_t first);
  std::vector<Body> objects(std::string_view name);  // an array of objects
  std::optional<Body> object(std::string_view name);
  Json any(std::string_view name);                                     // a value of any type; null when absent
  std::map<std::string, std::string> text_map(std::string_view name);  // {"key": "value"}
  // Refuses the field with `why`, which says what is wanted.
  void refuse_text(std::string_view name, std::string_view value, std::string_view why);
  std::string run_id();                                       // run_id, or run_uuid of old clients; required
  std::vector<track::KeyValue> pairs(std::string_view name);  // [{"key": .., "value": ..}]
  // Takes over the problem of a part that was read.
  void check(const Body& part);

 private:
  const Json* find(std::string_view name);
  const Json* require(std::string_view name);
  std::optional<int64_t> to_integer(std::string_view name, const Json& value);
  void refuse(std::string_view name, const Json& value);
  void too_many(std::string_view name, size_t count);
  void fail(std::string message);

  Json json_ = Json::object();
  bool from_query_ = false;
  std::string place_;  // "metrics[3]." inside of an array
  std::optional<Error> problem_;
};

}  // namespace millrace::api::mlflow
