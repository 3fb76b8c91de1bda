// Tells webhooks what the journal says, at least once and in no order: reads it by sequence, writes down what is to be
// sent in the transaction that moves on in the journal, sends it, and tries again with pauses that double. What was
// written down survives the process; any replica may send it.
#pragma once
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "webhooks/events.h"
#include "webhooks/webhooks.h"

namespace millrace::webhooks {

class Delivery {
 public:
  Delivery(store::Database& database, lineage::Journal& journal, Context& context, Webhooks& webhooks,
           Describe describe)
      : database_(database),
        journal_(journal),
        context_(context),
        webhooks_(webhooks),
        describe_(std::move(describe)) {}
  ~Delivery() { stop(); }

  void start(int threads);
  void stop();  // waits for what is being sent

  // What the threads do over and over. How many deliveries were written down; whether there was one to send.
  Result<int64_t> collect();
  Result<bool> send_one();

 private:
  struct Due {
    std::string workspace, id, webhook, event, body;
    int64_t sequence = 0, attempts = 0;
  };
  struct Read {
    struct Line {
      int64_t sequence = 0;
      std::string event, body;
    };
    std::vector<Line> told;
    int64_t next = 0;  // how far it has been read
  };
  void run(bool collects);
  Result<Read> read_from(const std::string& workspace, int64_t sequence) const;
  Result<int64_t> collect_of(const std::string& workspace, int64_t sequence);
  Result<std::optional<Due>> take();
  Result<void> settle(const Due& due, const Result<Posted>& sent);
  Micros pause_after(int64_t attempts);

  store::Database& database_;
  lineage::Journal& journal_;
  Context& context_;
  Webhooks& webhooks_;
  Describe describe_;
  std::mutex mutex_;  // guards stopping_
  std::condition_variable wake_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace millrace::webhooks
