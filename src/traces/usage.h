// What a trace used up, from what its spans say. Some say only their own part, some also that of the spans below them:
// a span that says something stands for all below it. Pure; linear in the number of spans.
#pragma once
#include <string>
#include <vector>

#include "core/json.h"

namespace millrace::traces {

struct UsageNode {
  std::string id, parent_id;
  Json usage;  // an object of numbers, or null
};

// The sums by name; an empty object when nothing was said. Spans whose parents go in a circle stand for nobody.
Json total_usage(const std::vector<UsageNode>& nodes);

}  // namespace millrace::traces
