// What the connections of a server share: its loops, its workers, and the count of those that are open.
#pragma once
#include <array>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "api/dispatch.h"
#include "api/front/event_loop.h"
#include "api/front/open_connections.h"
#include "api/server.h"

namespace millrace::api::front {

class Connection;

// One network thread and the connections that live and die on it. No connection is seen by two threads, so requests
// take no lock.
struct NetworkThread {
  EventLoop loop;
  std::array<char, 64 << 10> scratch;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections;  // of the loop's thread
  std::vector<std::shared_ptr<Connection>> gathered;  // whose requests wait for those of others; of the loop's thread
  std::thread thread;
};

// Workers end first, loops then: both may hold connections, which use the rest.
struct Shared {
  const ServerOptions options;
  const Dispatcher& dispatcher;
  OpenConnections open;
  std::vector<std::unique_ptr<NetworkThread>> threads;
  boost::asio::thread_pool workers;

  Shared(ServerOptions wanted, const Dispatcher& dispatcher);
};

}  // namespace millrace::api::front
