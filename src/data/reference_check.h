// `millrace check --reference`: a batch judged by a batch that is known to be good, in a session that can reach nothing
// else. With a contract its rules are judged as well.
#pragma once
#include <string>
#include <vector>

#include "core/json.h"
#include "data/check.h"
#include "engine/engine.h"

namespace millrace::data {

struct ReferenceCheck {
  std::vector<std::string> reference;  // files
  FileCheck batch;                     // `contract` may be empty: the reference alone decides
};

struct ReferenceFindings {
  Json findings;  // findings.json
  bool passed = true;
};
Result<ReferenceFindings> check_by_reference(engine::Engines& engines, const ReferenceCheck& check);

}  // namespace millrace::data
