// The search language of traces: that of runs (track/search/filter.h) with more to compare and RLIKE. Pure.
//   trace.status = 'ERROR' AND span.name LIKE 'chat%' AND feedback.score > 0.5 AND metadata.`mlflow.trace.user` RLIKE
//   '^a'
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "track/search/filter.h"

namespace millrace::traces {

// What is compared. `key` is an attribute's column, a tag's or metadata's or assessment's name, or of a span: name,
// type, status, content (its texts) or an attribute.
enum class Of { attribute, tag, metadata, span, span_attribute, feedback, expectation, issue, prompt };

using Op = track::Operator;

struct Condition {
  Of of = Of::attribute;
  std::string key;
  Op op = Op::equal;
  bool numeric = false;
  double number = 0;               // of a numeric comparison
  std::vector<std::string> texts;  // one, or the list of IN
};

struct Order {
  Of of = Of::attribute;  // attribute, tag or metadata
  std::string key;
  bool ascending = true;
};

Result<std::vector<Condition>> parse_filter(std::string_view text);
Result<Order> parse_order(std::string_view text);

}  // namespace millrace::traces
