// A data contract: the Open Data Contract Standard v3.1.0 (*.odcs.yaml), read strictly. Every documented key is
// accepted, an unknown one is an error with its place and "did you mean". What Millrace adds stays inside the
// standard's own extension points: `type: custom, engine: millrace, implementation: {...}` and the custom property
// `onFail`. Plain values; nothing here reads data.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "core/result.h"

namespace millrace::data {

enum class LogicalType { any, string, integer, number, boolean, date, timestamp, time, object, array };
std::string_view name_of(LogicalType type);

// What happens when a rule does not hold. `inherit`: nothing was said here, see the next level (rule, column,
// contract).
enum class OnFail { inherit, quarantine, drop, warn, fail };
std::string_view name_of(OnFail on_fail);

enum class Severity { none, info, warning, error };
std::string_view name_of(Severity severity);

// One end of a range, as it was written. `integer` holds the exact value where `integral`.
struct Bound {
  std::string text;
  double number = 0;
  int64_t integer = 0;
  bool integral = false;
  bool open = false;  // exclusiveMinimum, exclusiveMaximum
};

// The set of values for which a rule holds: an interval, or all but one (`outside`).
struct Limit {
  std::optional<double> low, high;
  bool low_open = false, high_open = false;
  bool outside = false;

  bool holds(double value) const;  // false for NaN
  Json to_json() const;            // {"between": [lo, hi]} or as written: {"mustBeLessThan": 5}
  std::string written;             // the operator's name, or "between"
};

struct Relationship {
  std::vector<std::string> columns;
  std::string dataset;                         // the referenced object's name
  std::vector<std::string> reference_columns;  // as many as `columns`
  Where where;
};

struct Quality {
  std::string id, name, description, type, metric, unit, engine, dimension, query;
  Json arguments = Json::object();
  std::optional<Limit> limit;
  Json implementation;
  Severity severity = Severity::none;
  OnFail on_fail = OnFail::inherit;
  Where where;
};

struct Property {
  std::string name;
  std::string source_name;  // physicalName, else name: the column's name in the data
  std::string physical_type, description, classification, format, pattern;
  LogicalType type = LogicalType::any;
  bool required = false, unique = false, primary_key = false;
  int primary_key_position = 0;
  std::optional<Bound> minimum, maximum;
  std::optional<Bound> multiple_of;
  std::optional<int64_t> min_length, max_length;
  std::vector<Relationship> relationships;
  std::vector<Quality> quality;
  OnFail on_fail = OnFail::inherit;
  Where where;

  // Values of such a column are not shown in findings, examples or profiles.
  bool is_masked() const { return !classification.empty() && classification != "public"; }
};

struct Object {
  std::string name;
  std::vector<Property> properties;
  std::vector<Relationship> relationships;
  std::vector<Quality> quality;
  OnFail on_fail = OnFail::inherit;
  Where where;

  const Property* find(std::string_view property) const;
  std::vector<std::string> primary_key() const;  // by position; empty when there is none
};

struct Contract {
  std::string id, name, version, status, api_version;
  std::string digest;  // of the canonical form: layout, comments and key order do not count
  std::vector<Object> objects;
  OnFail on_fail = OnFail::inherit;
  std::string file;
  Json document;  // all of it, as written

  // The object of that name; with "" the only one. An Error names the objects that there are.
  Result<const Object*> object(std::string_view object_name) const;
};

Result<Contract> parse_contract(std::string_view text, const std::string& path);  // `path` names it in errors
Result<Contract> load_contract(const std::string& path);

}  // namespace millrace::data
