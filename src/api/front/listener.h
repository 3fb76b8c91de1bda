// Sockets that listen, and what comes in by them. HTTP and gRPC take their connections through here.
#pragma once
#include <functional>
#include <string>

#include "api/front/event_loop.h"
#include "core/result.h"

namespace millrace::api::front {

// A connection that came in: a descriptor of the taker's now, which does not block, and whose it is.
struct Incoming {
  int descriptor = -1;
  bool loopback = false;
  std::string address;  // "192.0.2.1", "" for a Unix socket
};

// Takes connections on one loop's thread until close().
class Listener final : public Watcher {
 public:
  using Take = std::function<void(Incoming)>;

  Listener(EventLoop& loop, Take take) : loop_(loop), take_(std::move(take)) {}
  ~Listener() override { close(); }

  Result<void> begin(int descriptor);  // takes it; once, before the loop runs
  // On the loop's thread.
  void close();
  void resume();  // after it ran out of descriptors; to be called now and then
  void on_events(uint32_t events) override;

 private:
  EventLoop& loop_;
  const Take take_;
  int descriptor_ = -1;
  bool paused_ = false;
};

struct Listening {
  int descriptor = -1;
  std::string address;  // "127.0.0.1:43121"
};

// `where` is HOST:PORT, port 0 takes a free one; `given` >= 0 listens there already and is taken over. `option` is what
// people say it with. `conflict` when the port is taken, `denied` when it may not be used.
Result<Listening> listen_tcp(const std::string& where, int given, std::string_view option);
// A socket in the file system that only this user may use; what lies there is replaced.
Result<int> listen_unix(const std::string& path);

}  // namespace millrace::api::front
