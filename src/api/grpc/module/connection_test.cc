// What takes an hour, or a gibibyte: a connection on this thread, with a clock and counts that the test sets.
#include "api/grpc/module/connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "api/testing.h"
#include "core/files.h"
#include "core/limits/grpc_limits.h"
#include "core/testing.h"
#include "engine/engine.h"

namespace millrace::api::rpc {
namespace {

constexpr Micros kSecond = 1'000'000;

// The other end, which answers nothing by itself.
class Other {
 public:
  struct Stream {
    std::map<std::string, std::string> fields;
    std::string data;
    bool closed = false;
  };

  explicit Other(int descriptor) : descriptor_(descriptor) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_option* options = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_option_new(&options);
    nghttp2_option_set_no_auto_ping_ack(options, 1);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                      const uint8_t* value, size_t value_size, uint8_t, void* self) {
          static_cast<Other*>(self)->streams[frame->hd.stream_id].fields.emplace(
              std::string(reinterpret_cast<const char*>(name), name_size),
              std::string(reinterpret_cast<const char*>(value), value_size));
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, size_t size, void* self) {
          static_cast<Other*>(self)->streams[id].data.append(reinterpret_cast<const char*>(bytes), size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks,
                                                           [](nghttp2_session*, int32_t id, uint32_t, void* self) {
                                                             static_cast<Other*>(self)->streams[id].closed = true;
                                                             return 0;
                                                           });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
          auto& it = *static_cast<Other*>(self);
          if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) ++it.pings;
          if (frame->hd.type == NGHTTP2_GOAWAY) it.told_to_go = true;
          return 0;
        });
    nghttp2_session_client_new2(&session_, callbacks, this, options);
    nghttp2_option_del(options);
    nghttp2_session_callbacks_del(callbacks);
  }
  ~Other() {
    nghttp2_session_del(session_);
    ::close(descriptor_);
  }

  void greet() { nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0); }
  void answer_ping() { nghttp2_submit_ping(session_, NGHTTP2_FLAG_ACK, nullptr); }
  void give_up(int32_t id) { nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL); }
  // A call of which these bytes are said and, unless `ends`, more is promised.
  int32_t call(const std::string& method, std::string body, bool ends) {
    const std::string path = "/inference.GRPCInferenceService/" + method;
    const auto field = [](std::string_view name, std::string_view value) {
      return nghttp2_nv{.name = reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                        .value = reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())),
                        .namelen = name.size(),
                        .valuelen = value.size()};
    };
    const nghttp2_nv fields[] = {field(":method", "POST"), field(":scheme", "http"), field(":path", path),
                                 field(":authority", "a"), field("content-type", "application/grpc")};
    bodies_.push_back({std::move(body), ends});
    const nghttp2_data_provider provider{
        .source = {.ptr = &bodies_.back()},
        .read_callback = [](nghttp2_session*, int32_t, uint8_t* to, size_t room, uint32_t* flags,
                            nghttp2_data_source* source, void*) -> ssize_t {
          auto& [rest, last] = *static_cast<Body*>(source->ptr);
          const size_t size = std::min(room, rest.size());
          if (size == 0 && !last) return NGHTTP2_ERR_DEFERRED;
          rest.copy(reinterpret_cast<char*>(to), size);
          rest.erase(0, size);
          if (rest.empty() && last) *flags |= NGHTTP2_DATA_FLAG_EOF;
          return static_cast<ssize_t>(size);
        }};
    return nghttp2_submit_request(session_, nullptr, fields, std::size(fields), &provider, nullptr);
  }

  void say() {
    const uint8_t* bytes = nullptr;
    for (ssize_t size = 0; (size = nghttp2_session_mem_send(session_, &bytes)) > 0;)
      ASSERT_EQ(::send(descriptor_, bytes, static_cast<size_t>(size), MSG_NOSIGNAL), size);
  }
  void hear() {
    std::array<uint8_t, 4096> bytes;
    ssize_t got = 0;
    while ((got = ::recv(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT)) > 0)
      ASSERT_EQ(nghttp2_session_mem_recv(session_, bytes.data(), static_cast<size_t>(got)), got);
    ended |= got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
  }

  std::map<int32_t, Stream> streams;
  int pings = 0;
  bool told_to_go = false, ended = false;

 private:
  struct Body {
    std::string rest;
    bool last;
  };
  const int descriptor_;
  nghttp2_session* session_ = nullptr;
  std::deque<Body> bodies_;  // nghttp2 points to them
};

struct GrpcConnection : ::testing::Test {
  GrpcConnection() {
    auto opened = serve::DataPlane::open({}, *engines, context);
    if (!opened) throw std::runtime_error(opened.error().text());
    plane = std::move(*opened);
    service =
        std::make_unique<Service>(ServerOptions{.local_subject = "local:me"}, ServerParts{*plane, dispatcher, context});
    shared = std::make_unique<Shared>(*service);
    home = std::make_unique<NetworkThread>();
    EXPECT_TRUE(home->loop.open());
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    EXPECT_TRUE(shared->open.enter());
    connection = std::make_shared<Connection>(ends[0], true, *shared, *home);
    other = std::make_unique<Other>(ends[1]);
    connection->start();
  }
  ~GrpcConnection() override {
    connection.reset();
    home->connections.clear();
  }

  // What each side has to say reaches the other.
  void talk() {
    for (int i = 0; i < 3; ++i) {
      other->say();
      connection->on_events(EPOLLIN | EPOLLOUT);
      Connection::answer_gathered(*home);
      other->hear();
    }
  }
  void pass(Micros time) {
    clock.advance(time);
    connection->beat(clock.steady());
    other->hear();
  }
  std::string status_of(int32_t id) {
    const auto& fields = other->streams[id].fields;
    const auto status = fields.find("grpc-status"), text = fields.find("grpc-message");
    if (status == fields.end()) return "none";
    return status->second + (text == fields.end() ? "" : " " + text->second);
  }
  bool is_open() const { return home->connections.contains(connection.get()); }

  ManualClock clock;
  SeededRandom random{7};
  Context context{clock, random, silent_log()};
  const millrace::testing::Nobody tokens;
  const Dispatcher dispatcher{Router({}), tokens, context};
  std::unique_ptr<engine::Engines> engines = *engine::load_duckdb(library_folder() + "/libduckdb.so");
  std::unique_ptr<serve::DataPlane> plane;
  std::unique_ptr<Service> service;
  std::unique_ptr<Shared> shared;
  std::unique_ptr<NetworkThread> home;
  std::shared_ptr<Connection> connection;
  std::unique_ptr<Other> other;
};

const std::string kNothing(5, '\0');  // a message of no bytes, with its prefix

TEST_F(GrpcConnection, who_does_not_greet_is_gone_after_ten_seconds) {
  pass(10 * kSecond);
  EXPECT_TRUE(is_open());
  pass(1);
  EXPECT_FALSE(is_open());
  EXPECT_TRUE(other->ended);
}

TEST_F(GrpcConnection, a_silent_client_is_asked_after_a_minute_and_gone_without_an_answer) {
  other->greet();
  talk();
  pass(60 * kSecond);
  EXPECT_EQ(other->pings, 0);
  pass(kSecond);
  EXPECT_EQ(other->pings, 1);
  other->answer_ping();
  talk();
  pass(60 * kSecond);
  EXPECT_EQ(other->pings, 1) << "the answer is a sign of life";
  pass(kSecond);
  EXPECT_EQ(other->pings, 2);
  pass(20 * kSecond);
  EXPECT_EQ(other->pings, 2) << "asked once";
  EXPECT_TRUE(is_open());
  pass(1);
  EXPECT_FALSE(is_open());
  EXPECT_TRUE(other->ended);
}

TEST_F(GrpcConnection, a_connection_without_calls_ends_after_an_hour) {
  other->greet();
  talk();
  const int32_t call = other->call("ServerLive", kNothing, true);
  talk();
  EXPECT_EQ(status_of(call), "0");
  for (Micros left = Micros{limits::grpc_idle_ms} * 1'000; left > 0; left -= 30 * kSecond) {
    EXPECT_FALSE(other->told_to_go);
    pass(30 * kSecond);
    other->answer_ping();
    talk();
  }
  pass(1);
  EXPECT_TRUE(other->told_to_go);
  EXPECT_TRUE(other->ended);
  EXPECT_TRUE(is_open()) << "until the client closes";
  pass(3 * kSecond);
  EXPECT_FALSE(is_open());
}

TEST_F(GrpcConnection, a_message_of_which_nothing_more_comes_is_refused_after_a_minute) {
  other->greet();
  const int32_t amid = other->call("ServerLive", kNothing.substr(0, 3), false),
                none = other->call("ServerLive", "", false), stream = other->call("ModelStreamInfer", "", false);
  talk();
  pass(60 * kSecond);
  EXPECT_EQ(status_of(amid), "none");
  pass(kSecond);
  for (const int32_t id : {amid, none}) {
    EXPECT_EQ(status_of(id), "4 nothing more of the message came for 60 s");
    EXPECT_TRUE(other->streams[id].closed) << "the rest need not be sent";
  }
  EXPECT_EQ(status_of(stream), "none") << "a stream may be silent between messages";
  const int32_t next = other->call("ServerLive", kNothing, true);
  talk();
  EXPECT_EQ(status_of(next), "0");
  EXPECT_EQ(shared->held.load(), 0U);
}

TEST_F(GrpcConnection, who_takes_nothing_is_gone_after_a_minute) {
  other->greet();
  talk();
  for (int i = 0; i < 900; ++i) {  // more answers than its system holds for it
    other->call("ServerLive", kNothing, true);
    other->say();
    connection->on_events(EPOLLIN);
    Connection::answer_gathered(*home);
  }
  const auto gone_after = [&](Micros time) {
    clock.advance(time);
    connection->beat(clock.steady());
    return !is_open();
  };
  EXPECT_FALSE(gone_after(60 * kSecond));
  EXPECT_TRUE(gone_after(1));
}

TEST_F(GrpcConnection, messages_beyond_what_the_server_holds_are_refused) {
  other->greet();
  talk();
  shared->held = limits::grpc_buffers_bytes + 1;
  const int32_t full = other->call("ServerLive", kNothing, true);
  talk();
  EXPECT_EQ(status_of(full).substr(0, 2), "14");
  EXPECT_NE(status_of(full).find("messages of more than 1073741824 bytes are under way"), std::string::npos)
      << status_of(full);
  EXPECT_EQ(shared->held.load(), limits::grpc_buffers_bytes + 1) << "what is refused is not held";
  shared->held = limits::grpc_buffers_bytes - 10;
  const int32_t filling = other->call("ModelInfer", std::string("\0\0\0\0\x20", 5) + std::string(16, 'x'), false);
  talk();
  EXPECT_EQ(status_of(filling).substr(0, 2), "14");
  EXPECT_EQ(shared->held.load(), limits::grpc_buffers_bytes - 10);
  shared->held = 0;
  const int32_t next = other->call("ServerLive", kNothing, true);
  talk();
  EXPECT_EQ(status_of(next), "0");
}

TEST_F(GrpcConnection, streams_beyond_the_limit_are_refused_and_those_that_end_make_room) {
  other->greet();
  talk();
  shared->streams = limits::grpc_streams - 1;
  const int32_t last = other->call("ModelStreamInfer", "", false), refused = other->call("ModelStreamInfer", "", false);
  talk();
  EXPECT_EQ(status_of(last), "none");
  EXPECT_EQ(status_of(refused).substr(0, 35), "14 1000 streams are open, which is ");
  other->give_up(last);
  talk();
  const int32_t next = other->call("ModelStreamInfer", "", true);
  talk();
  EXPECT_EQ(status_of(next), "0");
  EXPECT_EQ(shared->streams.load(), limits::grpc_streams - 1);
}

}  // namespace
}  // namespace millrace::api::rpc
