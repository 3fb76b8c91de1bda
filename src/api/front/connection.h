// One connection of HTTP/1.1: requests one after the other, each answered before the next is read. Lives on its loop's
// thread; what waits for disk or locks runs on a worker and comes back.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "api/front/request_reader.h"
#include "api/front/shared.h"
#include "api/spool.h"

namespace millrace::api::front {

class Connection final : public Watcher, public std::enable_shared_from_this<Connection> {
 public:
  // enter() has been called for it; takes the descriptor, which does not block.
  Connection(int descriptor, Peer peer, bool unix_peer, Shared& shared, NetworkThread& home);
  ~Connection() override;

  // The rest on the loop's thread.
  void start();
  void end_when_idle();  // an idle connection ends now, a busy one after its answer
  void end_when_late(EventLoop::Clock::time_point now);
  void on_events(uint32_t events) override;
  // Answers the requests that were ready at the same moment and can be answered together.
  static void answer_gathered(NetworkThread& home);

 private:
  enum class State { head, body, running, held, writing, streaming, lingering, closed };

  void advance();  // as far as it goes without waiting
  std::optional<std::string_view> receive();
  bool fill();  // more bytes to read; false: wait, or closed
  bool step();  // one state further; false: wait, or closed
  bool read_head();
  bool read_body();
  bool on_head();
  Error too_large() const;
  Result<void> keep_piece(std::string_view piece);
  bool run();
  bool gather();
  bool write(Reply reply);
  bool write_stream(Reply reply);
  bool hold(Reply reply);
  void ask_piece();
  void take_piece(std::string piece);  // "": it broke off
  bool flush();
  bool on_written();
  bool linger();
  bool discard();
  bool refuse(const Error& error, int status);
  bool finish_early(Reply reply);
  bool close();
  void begin_request();
  void append_head(const Reply& reply, uint64_t size);
  void within(EventLoop::Clock::duration time) { deadline_ = EventLoop::Clock::now() + time; }
  // On a worker; what it returns runs on the loop afterwards.
  void on_worker(std::function<std::function<void()>()> work);

  int descriptor_;
  const Peer peer_;
  const bool unix_;
  Shared& shared_;
  NetworkThread& home_;
  State state_ = State::head;
  bool readable_ = true, writable_ = true, ended_ = false;
  bool keep_alive_ = false, keep_open_ = false;
  EventLoop::Clock::time_point deadline_ = EventLoop::Clock::time_point::max();

  std::string in_;  // received; read from in_at_ on
  size_t in_at_ = 0;
  std::optional<RequestReader> reader_;
  Request request_;
  const Route* route_ = nullptr;
  size_t taken_ = 0;  // bytes of the body, or thrown away
  std::optional<Spool> spool_;

  std::string out_, out_body_;  // to send: one behind the other, from out_at_ on
  size_t out_at_ = 0;
  std::shared_ptr<Reader> stream_;
  uint64_t stream_left_ = 0;
};

}  // namespace millrace::api::front
