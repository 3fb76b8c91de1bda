// Cases as the prediction log keeps them: the control plane opens a review for each, whenever it gets to it.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "core/json.h"
#include "core/result.h"
#include "engine/engine.h"
#include "serve/prediction_log.h"

namespace millrace::serve {

struct LoggedCase {
  std::string prediction_id;
  Micros event_time = 0;
  Case held;
  std::string deployment, workspace, release, arm, model;  // release: its node
  int64_t version = 0;
};
using OnCase = std::function<Result<void>(const LoggedCase&)>;

// How far a log has been read: everything in segments below `segment`, and so many bytes of it.
struct CaseReading {
  uint64_t segment = 0, offset = 0;
  std::map<uint64_t, Arm> arms;  // of that segment, as far as it was read by this object

  Json to_json() const;                                  // without the arms
  static Result<CaseReading> of_json(const Json& json);  // `corrupt` unless to_json() wrote it
};

// Reads on, in order: the open segment up to what was answered for, closed and sealed ones whole. `folder` is one
// deployment's, `state` that of its log. `from` moves on behind each case that went well; a case may be told again
// where its segment was sealed meanwhile.
Result<void> read_cases(engine::Engines& engines, const std::string& folder, const std::function<LogState()>& state,
                        CaseReading& from, const OnCase& on_case);

}  // namespace millrace::serve
