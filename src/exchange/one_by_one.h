// One thing of a source after another: what is wrong with one of them is reported and does not hold up the others.
#pragma once
#include <functional>
#include <string>

#include "core/result.h"
#include "exchange/import_report.h"
#include "jobs/jobs.h"

namespace millrace::exchange {

// What is wrong with one thing, against what is wrong with all of us.
bool is_of_the_thing(const Error& error);

// Not thread-safe.
class OneByOne {
 public:
  OneByOne(jobs::Running& running, ImportReport& report) : running_(running), report_(report) {}

  // `unavailable` when the job was stopped; errors that are not of the thing end it all.
  Result<void> take(const std::string& kind, const std::string& id, const std::function<Result<void>()>& work);
  void refuse(const std::string& kind, const std::string& id, const Error& error);

 private:
  jobs::Running& running_;
  ImportReport& report_;
};

}  // namespace millrace::exchange
