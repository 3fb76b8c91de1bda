// One connection of HTTP/2 (RFC 9113; nghttp2 reads and writes its frames) with the calls on it, as gRPC wants them.
// Lives on its loop's thread; what waits for disk runs on a worker and comes back.
#pragma once
#include <nghttp2/nghttp2.h>

#include <array>
#include <memory>
#include <span>
#include <thread>
#include <unordered_map>
#include <vector>

#include "api/front/event_loop.h"
#include "api/front/open_connections.h"
#include "api/grpc/module/exchange.h"

namespace millrace::api::rpc {

class Connection;

// One network thread and the connections that live and die on it.
struct NetworkThread {
  struct Gathered {
    std::shared_ptr<Connection> connection;
    ExchangePtr exchange;
  };

  front::EventLoop loop;
  std::array<char, 64 << 10> scratch;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections;
  std::vector<Gathered> gathered;  // calls that are answered together, after the events at hand
  std::thread thread;
};

// What the connections of a server share. Thread-safe.
struct Shared {
  explicit Shared(Service& service) : service(service) {}

  Service& service;
  front::OpenConnections open;
  std::atomic<size_t> streams{0};  // open
  std::atomic<size_t> held{0};     // bytes of messages and answers
};

class Connection final : public front::Watcher, public std::enable_shared_from_this<Connection> {
 public:
  // enter() has been called for it; takes the descriptor, which does not block.
  Connection(int descriptor, bool loopback, Shared& shared, NetworkThread& home);
  ~Connection() override;

  // The rest on the loop's thread.
  void start();
  void on_events(uint32_t events) override;
  void drain();  // no new calls; ends when those under way are answered
  void beat(Micros now);
  static void answer_gathered(NetworkThread& home);

 private:
  struct Callbacks;

  // What HTTP/2 tells us.
  void on_begin(int32_t id);
  void on_field(Exchange& exchange, std::string_view name, std::string_view value);
  void on_head(const ExchangePtr& exchange);
  void on_data(const ExchangePtr& exchange, std::string_view bytes);
  void on_said_all(const ExchangePtr& exchange);
  void on_closed(int32_t id);
  ssize_t on_wanted(Exchange& exchange, uint8_t* to, size_t room, uint32_t* flags);

  void receive();
  void flush();  // sends what can be sent, and closes when nothing is left to say
  bool send_out();
  void close();

  void answer_unary(const ExchangePtr& exchange);
  static void answer_together(const std::vector<NetworkThread::Gathered>& all);
  void answer_stream(const ExchangePtr& exchange);
  // The answer of one message, on this thread or on a worker.
  void run(const ExchangePtr& exchange, std::string message);
  void take_answer(const ExchangePtr& exchange, std::string answer, std::optional<Failure> failure);
  std::string take_message(Exchange& exchange);
  void refuse(const ExchangePtr& exchange, const Error& error);
  void begin_answer(Exchange& exchange);
  void finish(const ExchangePtr& exchange, std::optional<Failure> failure = std::nullopt);
  void grant(Exchange& exchange);
  void hold(Exchange& exchange, size_t bytes);
  void let_go(Exchange& exchange, size_t bytes);
  void forget(const ExchangePtr& exchange);
  bool is_full(const ExchangePtr& exchange);
  ExchangePtr find(int32_t id) const;

  int descriptor_;
  const bool loopback_;
  Shared& shared_;
  NetworkThread& home_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<int32_t, ExchangePtr> exchanges_;
  std::vector<ExchangePtr> taken_;  // streams whose answers have gone out while messages wait

  bool readable_ = true, writable_ = true, ended_ = false, greeted_ = false;
  bool leaving_ = false;    // told that no calls are taken any more
  bool parted_ = false;     // all is said; waiting for the client to close
  bool gathering_ = false;  // some of its calls wait to be answered together
  std::string out_;
  size_t out_at_ = 0;
  Micros began_ = 0, heard_ = 0, asked_ = 0, used_ = 0, stuck_ = 0;  // steady clock
};

}  // namespace millrace::api::rpc
