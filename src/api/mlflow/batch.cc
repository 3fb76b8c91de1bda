#include "api/mlflow/batch.h"

#include <simdjson.h>

#include <limits>
#include <span>

namespace millrace::api::mlflow {
namespace {

namespace dom = simdjson::dom;

// Which of a few known fields were seen. Anything else, or one twice, ends the plain way.
class Seen {
 public:
  explicit Seen(std::span<const std::string_view> names) : names_(names) {}
  // The field's index, or nothing.
  std::optional<size_t> take(std::string_view name) {
    for (size_t i = 0; i < names_.size(); ++i) {
      if (names_[i] != name) continue;
      const unsigned bit = 1U << i;
      if ((seen_ & bit) != 0) return std::nullopt;
      seen_ |= bit;
      return i;
    }
    return std::nullopt;
  }
  bool has(size_t i) const { return (seen_ >> i & 1) != 0; }

 private:
  std::span<const std::string_view> names_;
  unsigned seen_ = 0;
};

bool take_text(const dom::element& from, std::string& into) {
  std::string_view text;
  if (from.get_string().get(text) != simdjson::SUCCESS) return false;
  into = text;
  return true;
}

bool take_integer(const dom::element& from, int64_t& into) {
  return from.type() == dom::element_type::INT64 && from.get_int64().get(into) == simdjson::SUCCESS;
}

bool take_number(const dom::element& from, double& into) {
  if (from.is_number()) return from.get_double().get(into) == simdjson::SUCCESS;
  std::string_view text;
  if (from.get_string().get(text) != simdjson::SUCCESS) return false;
  if (text == "NaN")
    into = std::numeric_limits<double>::quiet_NaN();
  else if (text == "Infinity")
    into = std::numeric_limits<double>::infinity();
  else if (text == "-Infinity")
    into = -std::numeric_limits<double>::infinity();
  else
    return false;
  return true;
}

bool take_metric(const dom::object& from, track::Metric& into) {
  static constexpr std::string_view names[] = {"key",      "value",        "timestamp",     "step",
                                               "model_id", "dataset_name", "dataset_digest"};
  Seen seen(names);
  for (const auto& [name, value] : from) {
    const auto field = seen.take(name);
    if (!field) return false;
    bool taken = false;
    switch (*field) {
      case 0: taken = take_text(value, into.key); break;
      case 1: taken = take_number(value, into.value); break;
      case 2: taken = take_integer(value, into.timestamp); break;
      case 3: taken = take_integer(value, into.step); break;
      case 4: taken = take_text(value, into.model_id); break;
      case 5: taken = take_text(value, into.dataset_name); break;
      default: taken = take_text(value, into.dataset_digest);
    }
    if (!taken) return false;
  }
  return !into.key.empty() && seen.has(1) && seen.has(2);
}

bool take_pair(const dom::object& from, track::KeyValue& into) {
  static constexpr std::string_view names[] = {"key", "value"};
  Seen seen(names);
  for (const auto& [name, value] : from) {
    const auto field = seen.take(name);
    if (!field || !take_text(value, *field == 0 ? into.key : into.value)) return false;
  }
  return !into.key.empty();
}

template <class Each>
bool take_list(const dom::element& from, std::vector<Each>& into, bool (*take)(const dom::object&, Each&)) {
  dom::array list;
  if (from.get_array().get(list) != simdjson::SUCCESS) return false;
  for (const auto each : list) {
    dom::object object;
    if (each.get_object().get(object) != simdjson::SUCCESS || !take(object, into.emplace_back())) return false;
  }
  return true;
}

bool take_batch(const dom::object& from, RunBatch& into) {
  static constexpr std::string_view names[] = {"run_id", "metrics", "params", "tags"};
  Seen seen(names);
  for (const auto& [name, value] : from) {
    const auto field = seen.take(name);
    if (!field) return false;
    bool taken = false;
    switch (*field) {
      case 0: taken = take_text(value, into.run_id); break;
      case 1: taken = take_list(value, into.batch.metrics, take_metric); break;
      case 2: taken = take_list(value, into.batch.params, take_pair); break;
      default: taken = take_list(value, into.batch.tags, take_pair);
    }
    if (!taken) return false;
  }
  return !into.run_id.empty();
}

}  // namespace

std::optional<RunBatch> read_plain_batch(const Request& request) {
  if (!request.header("content-type").starts_with("application/json")) return std::nullopt;
  const auto& body = request.body;
  const bool padded = body.capacity() - body.size() >= simdjson::SIMDJSON_PADDING;
  dom::parser parser;
  dom::object object;
  if (parser.parse(body.data(), body.size(), !padded).get_object().get(object) != simdjson::SUCCESS)
    return std::nullopt;
  RunBatch out;
  if (!take_batch(object, out)) return std::nullopt;
  return out;
}

}  // namespace millrace::api::mlflow
