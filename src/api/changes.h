// News of the journal for those who wait for them (long polls): questions are kept aside, without a thread each, until
// a line is written by this server or another on the same store.
#pragma once
#include <condition_variable>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "api/http.h"
#include "core/context.h"
#include "store/database.h"

namespace millrace::api {

struct ChangeQuestion {
  std::string workspace;
  int64_t after = 0;  // sequence
  Micros wait = 0;
};

// Thread-safe.
class Changes {
 public:
  Changes(store::Database& database, Context& context);
  ~Changes();

  Result<int64_t> newest() const;  // sequence, 0 before the first line
  // {"next", "items", "skipped"}: at most limits::changes_items. Who lags too far behind is told only that: skipped.
  Result<Json> look(const std::string& workspace, int64_t after) const;
  // Answers when there is something after, when the time is over, or when stop() is called.
  // At once, with nothing new, when limits::changes_waiting wait already: ask is_full() before.
  void hold(const ChangeQuestion& question, Asker asker);
  bool is_full() const;
  // Answers all; whoever comes later is answered at once. Nobody is called after it. By one thread at a time.
  void stop();

 private:
  struct Held {
    ChangeQuestion question;
    Asker asker;
    Micros until = 0;  // steady
  };
  void watch();
  void answer_some(int64_t newest);

  store::Database& database_;
  Context& context_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::list<Held> held_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace millrace::api
