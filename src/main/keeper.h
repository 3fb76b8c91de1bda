// What the owner of a state does in the background: the head of the audit chain is noted beside the database and the
// last use of sessions every few seconds; every hour (first at once) prediction logs are sealed and windows in
// wall-clock time looked at.
#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "api/sessions.h"
#include "core/context.h"
#include "lineage/journal.h"

namespace millrace {

class Keeper {
 public:
  Keeper(lineage::Journal& journal, api::Sessions& sessions, Context& context, std::function<void()> seal);
  ~Keeper();

 private:
  void keep();
  void note();

  lineage::Journal& journal_;
  api::Sessions& sessions_;
  Context& context_;
  std::function<void()> seal_;
  std::mutex mutex_;  // guards stopping_
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace millrace
