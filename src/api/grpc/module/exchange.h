// One call: what its client has said so far, and what is still to be said to it. Lives on its connection's thread; what
// a worker needs of it does not change once its head is read.
#pragma once
#include <atomic>
#include <deque>
#include <memory>
#include <string>

#include "api/grpc/module/messages.h"
#include "api/grpc/module/service.h"

namespace millrace::api::rpc {

struct Exchange {
  int32_t id = 0;  // of its HTTP/2 stream
  Head head;
  size_t head_bytes = 0;
  bool has_head = false;
  const Entry* entry = nullptr;  // null: refused by its head
  Asker asker;

  MessageReader reader;
  std::deque<std::string> messages;  // whole ones that wait; of a unary call at most one
  bool said_all = false;             // the client has
  bool refused = false;              // what still comes is thrown away
  size_t received = 0;               // bytes that are not answered
  size_t held = 0;                   // those and of answers that are not sent: in the server's count
  size_t not_granted = 0;            // of a stream: bytes that it may not send again yet
  Micros heard = 0;                  // when the last piece came (steady clock)

  bool answering = false;  // on a worker, or gathered
  bool counted = false;    // as an open stream
  std::string out;         // answers with their prefixes, sent from out_at on
  size_t out_at = 0;
  bool answered = false;  // a head has been submitted
  bool finished = false;  // nothing is added to `out`; the status follows it
  bool deferred = false;  // HTTP/2 waits for us
  std::optional<Failure> failure;
  std::atomic<bool> gone{false};  // the client is not interested any more
};
using ExchangePtr = std::shared_ptr<Exchange>;

}  // namespace millrace::api::rpc
