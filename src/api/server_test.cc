#include "api/server.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/client.h"
#include "api/testing.h"
#include "core/testing.h"

namespace millrace::api {
namespace {

// Copies of our ends of the connections to this port, as a child has them until it is another program.
std::vector<int> copies_of_accepted(uint16_t port) {
  std::vector<int> out;
  for (int descriptor = 3; descriptor < 1024; ++descriptor) {
    sockaddr_in here{}, there{};
    socklen_t size = sizeof here, other = sizeof there;
    if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&here), &size) == 0 && here.sin_family == AF_INET &&
        ntohs(here.sin_port) == port && ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&there), &other) == 0)
      out.push_back(::dup(descriptor));
  }
  return out;
}

TEST(Server, is_not_told_of_a_connection_that_is_gone_though_a_child_has_a_copy_of_it) {
  millrace::testing::Folder folder;
  ManualClock clock;
  SeededRandom random{7};
  Context context{clock, random, silent_log()};
  const millrace::testing::Nobody tokens;
  const Dispatcher dispatcher{Router({{"GET", "/open", Permission::open, BodyLimit{16}, "none", Run::inline_,
                                       [](Request&) {
                                         return Reply::json({{"good", true}});
                                       },
                                       "for the test"}}),
                              tokens, context};
  const auto server = Server::start(
      {.tcp = "127.0.0.1:0", .temp_folder = folder.path(), .local_subject = "local:me", .network_threads = 1},
      dispatcher);
  ASSERT_TRUE(server) << server.error().text();
  const auto address = (*server)->address();
  std::vector<int> copies;
  for (int i = 0; i < 10; ++i) {
    const auto client = Client::connect_tcp(address);
    ASSERT_TRUE(client) << client.error().text();
    const auto answer = (*client)->send("GET", "/open", "");
    ASSERT_TRUE(answer) << answer.error().text();
    EXPECT_EQ(answer->status, 200);
    for (const int copy : copies_of_accepted(parse_host_port(address)->port)) copies.push_back(copy);
  }
  EXPECT_GE(copies.size(), 10U);
  (*server)->drain(10'000'000);
  for (const int copy : copies) ::close(copy);
}

}  // namespace
}  // namespace millrace::api
