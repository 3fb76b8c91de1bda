#include "api/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "api/spool.h"
#include "core/limits.h"
#include "core/transfer_limits.h"

namespace millrace::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Socket = asio::generic::stream_protocol::socket;
using ErrorCode = boost::system::error_code;

constexpr auto kHeaderTime = std::chrono::seconds(10);
constexpr auto kIdleTime = std::chrono::seconds(75);
constexpr auto kBodyTime = std::chrono::seconds(60);  // between two reads of a body
constexpr size_t kPiece = 64 << 10;
constexpr auto kLinger = std::chrono::seconds(10);  // for a refused body that is still under way
constexpr size_t kLingerBytes = 256 << 20;

constexpr auto kSweep = std::chrono::seconds(1);

class Session;

// One network thread: its own event loop, and the connections that live and die on it. No connection is seen by two
// threads, so requests take no lock; time limits are kept by one timer that looks over all connections once a second.
struct Loop {
  std::set<Session*> sessions;  // this loop's thread only; outlives io, whose end takes the connections still waiting
  asio::io_context io{1};
  asio::steady_timer sweeper{io};
  std::thread thread;
};

// What all sessions share. They end with the workers or the loops that hold them, so these come last.
struct Shared {
  const ServerOptions options;
  const Dispatcher& dispatcher;
  std::atomic<bool> draining{false};
  std::mutex mutex;  // guards open
  std::condition_variable emptied;
  size_t open = 0;  // connections
  std::vector<std::unique_ptr<Loop>> loops;
  asio::thread_pool workers;

  Shared(ServerOptions wanted, const Dispatcher& dispatcher)
      : options(std::move(wanted)), dispatcher(dispatcher), workers(static_cast<size_t>(options.worker_threads)) {
    for (int i = 0; i < options.network_threads; ++i) loops.push_back(std::make_unique<Loop>());
  }

  bool enter() {
    const std::lock_guard lock(mutex);
    if (draining || open >= limits::http_connections) return false;
    ++open;
    return true;
  }
  void leave() {
    const std::lock_guard lock(mutex);
    if (--open == 0) emptied.notify_all();
  }
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

// A page in a browser must not reach a server on its own machine (DNS rebinding): without a token the Host must be
// ours.
bool is_own_host(std::string_view host) {
  const auto colon = host.rfind(':');
  const auto name = host.ends_with(']') || colon == std::string_view::npos ? host : host.substr(0, colon);
  if (name.empty() || name == "localhost" || name == "[::1]") return true;
  ErrorCode error;  // a number, not a name like 127.0.0.1.example.org
  const auto address = asio::ip::make_address_v4(std::string(name), error);
  return !error && address.is_loopback();
}

// What HTTP has an own number for (a head, an address, a disk) is told by that number in the body too.
void restate(Reply& reply, int status) {
  if (reply.status == status) return;
  reply.status = status;
  auto body = parse_json(reply.body, "problem");
  if (!body || !body->contains("status")) return;
  (*body)["status"] = status;
  reply.body = to_text(*body);
}

class Session : public std::enable_shared_from_this<Session> {
 public:
  using Clock = std::chrono::steady_clock;

  // enter() has been called for it. Made and used on the loop's thread.
  Session(Socket socket, bool unix_peer, bool loopback, Shared& shared, Loop& loop)
      : socket_(std::move(socket)), buffer_(limits::http_header_bytes + kPiece), shared_(shared), loop_(loop) {
    peer_.local = unix_peer || loopback;
    peer_.local_subject = shared.options.local_subject;
    peer_.via = unix_peer ? "cli" : "native";
    unix_ = unix_peer;
    loop_.sessions.insert(this);
  }

  ~Session() {
    loop_.sessions.erase(this);
    shared_.leave();
  }

  void start() { read_head(); }

  // From drain(): an idle connection ends now, a busy one after its answer.
  void end_when_idle() {
    if (idle_) close();
  }
  void end_when_late(Clock::time_point now) {
    if (now > deadline_) close();
  }

 private:
  void read_head() {
    parser_.emplace();
    parser_->header_limit(limits::http_header_bytes);
    parser_->body_limit(boost::none);  // our own limits: they differ by route
    request_ = {};
    idle_ = true;
    if (shared_.draining) return close();
    within(buffer_.size() > 0 ? kHeaderTime : kIdleTime);
    http::async_read_header(socket_, buffer_, *parser_,
                            [self = shared_from_this()](ErrorCode error, size_t) { self->on_head(error); });
  }

  void on_head(ErrorCode error) {
    idle_ = false;
    if (error) return on_bad_head(error);
    const auto& head = parser_->get();
    keep_alive_ = head.keep_alive();
    request_.method = std::string(head.method_string());
    size_t count = 0;
    for (const auto& field : head) {
      if (++count > limits::http_headers) return refuse_early(Error{Code::too_large, "too many headers"}, 431);
      request_.headers.emplace_back(lower({field.name_string().data(), field.name_string().size()}),
                                    std::string(field.value().data(), field.value().size()));
    }
    const std::string_view target(head.target().data(), head.target().size());
    if (target.size() > limits::http_target_bytes)
      return refuse_early(Error{Code::too_large, "the address is too long"}, 414);
    if (auto split = split_target(target, request_); !split) return refuse_early(split.error(), 400);
    if (head.version() >= 11 && head.count(http::field::host) != 1)
      return refuse_early(Error{Code::invalid, "one Host header is needed"}, 400);
    Peer peer = peer_;
    if (!unix_ && !is_own_host(request_.header("host"))) peer.local = false;
    if (const auto origin = request_.header("origin"); !origin.empty() && request_.method != "GET" &&
                                                       request_.method != "HEAD" &&
                                                       !origin.ends_with("//" + std::string(request_.header("host"))))
      return refuse_early(Error{Code::denied, "requests from other sites' pages are refused"}, 403);

    const auto& dispatcher = shared_.dispatcher;
    const auto match = dispatcher.router().match(request_.method, request_.path);
    route_ = match.route;
    if (route_ == nullptr) return finish_early(dispatcher.no_route(request_, match));
    request_.args = match.args;
    if (auto admitted = dispatcher.admit(*route_, request_, peer); !admitted)
      return finish_early(error_reply(request_.path, admitted.error(), request_.caller.request_id));
    const auto encoding = request_.header("content-encoding");
    if (!encoding.empty() && encoding != "identity" && !route_->limit.encoded)
      return refuse_early(
          Error{Code::invalid, fmt::format("Content-Encoding '{}' is not read here", encoding.substr(0, 80))}.hint(
              "send the body uncompressed"),
          415);
    if (const auto length = parser_->content_length(); length && *length > route_->limit.bytes) return too_large();
    read_body_or_continue();
  }

  void on_bad_head(ErrorCode error) {
    if (error == http::error::end_of_stream || error == asio::error::operation_aborted ||
        error == asio::error::bad_descriptor || error == asio::error::connection_reset ||
        error == http::error::partial_message)
      return close();
    const bool large = error == http::error::header_limit || error == http::error::buffer_overflow;
    refuse_early(
        Error{large ? Code::too_large : Code::invalid, fmt::format("not a request that we read: {}", error.message())},
        large ? 431 : 400);
  }

  void read_body_or_continue() {
    if (lower(request_.header("expect")) != "100-continue") return read_body();
    static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(socket_, asio::buffer(go_on), [self = shared_from_this()](ErrorCode error, size_t) {
      if (error) return self->close();
      self->read_body();
    });
  }

  void read_body() {
    if (parser_->is_done()) return run();
    if (route_->limit.spool && !open_spool()) return;
    if (const auto length = parser_->content_length(); length && !route_->limit.spool)
      request_.body.reserve(*length + 64);
    piece_.resize(kPiece);
    read_piece();
  }

  void read_piece() {
    auto& body = parser_->get().body();
    body.data = piece_.data();
    body.size = piece_.size();
    body.more = true;
    within(kBodyTime);
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](ErrorCode error, size_t) { self->on_piece(error); });
  }

  void on_piece(ErrorCode error) {
    if (error && error != http::error::need_buffer) {
      if (error == http::error::partial_message || error == asio::error::operation_aborted) return close();
      return refuse_early(Error{Code::invalid, fmt::format("the body is broken: {}", error.message())}, 400);
    }
    const size_t got = piece_.size() - parser_->get().body().size;
    taken_ += got;
    if (taken_ > route_->limit.bytes) return too_large();
    if (spool_) {
      if (auto kept = spool_->append({piece_.data(), got}); !kept) return refuse_early(kept.error(), 507);
    } else {
      request_.body.append(piece_.data(), got);
    }
    if (parser_->is_done()) return run();
    read_piece();
  }

  bool open_spool() {
    auto spool = Spool::open(shared_.options.temp_folder);
    if (spool) spool_.emplace(std::move(*spool));
    if (!spool) refuse_early(spool.error(), 507);
    return spool_.has_value();
  }

  void run() {
    taken_ = 0;
    deadline_ = Clock::time_point::max();
    if (spool_) {
      request_.body_digest = spool_->digest();
      if (auto closed = spool_->close(); !closed) return refuse_early(closed.error(), 507);
      request_.body_file = spool_->path();
    }
    request_.body.reserve(request_.body.size() + 64);
    if (route_->run == Run::inline_) return write(shared_.dispatcher.run(*route_, request_));
    asio::post(shared_.workers, [self = shared_from_this()] {
      auto reply = self->shared_.dispatcher.run(*self->route_, self->request_);
      asio::post(self->loop_.io, [self, reply = std::move(reply)]() mutable { self->write(std::move(reply)); });
    });
  }

  void too_large() {
    refuse_early(Error{Code::too_large, fmt::format("the body is larger than the {} bytes that this address takes",
                                                    route_->limit.bytes)},
                 413);
  }

  // The rest of the request is not read, so the connection cannot be used again.
  void refuse_early(const Error& error, int status) {
    auto reply = error_reply(request_.path.empty() ? "/" : request_.path, error, request_.caller.request_id);
    restate(reply, status);
    finish_early(std::move(reply));
  }

  void finish_early(Reply reply) {
    const bool whole =
        parser_->is_done() ||
        (parser_->is_header_done() && parser_->content_length_remaining().value_or(0) == 0 && !parser_->chunked());
    if (!whole) keep_alive_ = false;
    write(std::move(reply));
  }

  void write(Reply reply) {
    spool_.reset();
    if (reply.stream) return write_stream(std::move(reply));
    answer_.emplace();
    fill(*answer_, reply);
    answer_->body() = std::move(reply.body);
    answer_->content_length(answer_->body().size());
    if (request_.method == "HEAD") answer_->body().clear();
    within(kBodyTime);
    http::async_write(socket_, *answer_,
                      [self = shared_from_this()](ErrorCode error, size_t) { self->on_written(error); });
  }

  // A worker reads a piece, which may wait for a disk or a network; this thread sends it; then the next. Memory is one
  // piece, and the time limit is one piece's.
  void write_stream(Reply reply) {
    stream_head_.emplace();
    fill(*stream_head_, reply);
    stream_head_->content_length(reply.stream_size);
    stream_writer_.emplace(*stream_head_);
    stream_ = std::move(reply.stream);
    stream_left_ = request_.method == "HEAD" ? 0 : reply.stream_size;
    piece_.resize(limits::stream_piece_bytes);
    within(kBodyTime);
    http::async_write_header(socket_, *stream_writer_, [self = shared_from_this()](ErrorCode error, size_t) {
      error ? self->close() : self->write_piece();
    });
  }

  void write_piece() {
    if (stream_left_ == 0) return on_written({});
    deadline_ = Clock::time_point::max();
    asio::post(shared_.workers, [self = shared_from_this()] {
      const size_t room = std::min<uint64_t>(self->piece_.size(), self->stream_left_);
      auto got = self->stream_->read(self->piece_.data(), room);
      asio::post(self->loop_.io, [self, got = std::move(got)] { self->send_piece(got); });
    });
  }

  // What was promised cannot be taken back: a body that breaks off ends the connection, and the client sees that it is
  // too short.
  void send_piece(const Result<size_t>& got) {
    if (!got || *got == 0) {
      shared_.dispatcher.note_broken(request_, got ? "the bytes ended early" : got.error().text());
      return close();
    }
    stream_left_ -= *got;
    within(kBodyTime);
    asio::async_write(socket_, asio::buffer(piece_.data(), *got), [self = shared_from_this()](ErrorCode error, size_t) {
      error ? self->close() : self->write_piece();
    });
  }

  template <class Message>
  void fill(Message& message, const Reply& reply) const {
    message.version(11);
    message.result(static_cast<unsigned>(reply.status));
    if (!reply.content_type.empty()) message.set(http::field::content_type, reply.content_type);
    for (const auto& [name, value] : reply.headers) message.set(name, value);
    message.set("x-content-type-options", "nosniff");
    message.keep_alive(keep_alive_ && !shared_.draining);
  }

  void on_written(ErrorCode error) {
    const bool keep = answer_ ? answer_->keep_alive() : stream_head_->keep_alive();
    const bool unread = parser_->is_header_done() && !parser_->is_done();
    answer_.reset();
    stream_writer_.reset();
    stream_head_.reset();
    stream_.reset();
    std::string().swap(piece_);  // idle connections are many
    if (!error && !keep && unread) return linger();
    if (error || !keep) return close();
    read_head();
  }

  // Closing while a client still sends would make its system throw our answer away unread.
  void linger() {
    ErrorCode ignored;
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
    piece_.resize(kPiece);
    taken_ = 0;
    within(kLinger);
    discard();
  }
  void discard() {
    socket_.async_read_some(asio::buffer(piece_), [self = shared_from_this()](ErrorCode error, size_t got) {
      self->taken_ += got;
      if (error || self->taken_ > kLingerBytes) return self->close();
      self->discard();
    });
  }

  void close() {
    ErrorCode ignored;
    socket_.shutdown(asio::socket_base::shutdown_both, ignored);
    socket_.close(ignored);
  }

  template <class Duration>
  void within(Duration duration) {
    deadline_ = Clock::now() + duration;
  }

  Socket socket_;
  beast::flat_buffer buffer_;
  Shared& shared_;
  Loop& loop_;
  Clock::time_point deadline_ = Clock::time_point::max();
  Peer peer_;
  bool unix_ = false;
  bool idle_ = true;
  bool keep_alive_ = false;
  std::optional<http::request_parser<http::buffer_body>> parser_;
  std::optional<http::response<http::string_body>> answer_;
  std::optional<http::response<http::empty_body>> stream_head_;
  std::optional<http::response_serializer<http::empty_body>> stream_writer_;
  std::shared_ptr<Reader> stream_;
  uint64_t stream_left_ = 0;
  Request request_;
  const Route* route_ = nullptr;
  std::string piece_;
  size_t taken_ = 0;
  std::optional<Spool> spool_;
};

bool is_loopback(const asio::generic::stream_protocol::endpoint& endpoint) {
  const auto* address = endpoint.data();
  if (address->sa_family == AF_INET)
    return (ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr) >> 24) == 127;
  if (address->sa_family == AF_INET6)
    return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
  return false;
}

class BeastServer final : public Server {
 public:
  BeastServer(const ServerOptions& options, const Dispatcher& dispatcher)
      : shared_(options, dispatcher), tcp_(first().io), local_(first().io) {}

  ~BeastServer() override {
    drain(0);
    for (auto& loop : shared_.loops) loop->io.stop();
    for (auto& loop : shared_.loops)
      if (loop->thread.joinable()) loop->thread.join();
    shared_.workers.stop();
    shared_.workers.join();
    if (local_bound_) ::unlink(shared_.options.unix_socket.c_str());
  }

  Result<void> listen() {
    if (!shared_.options.tcp.empty()) MILLRACE_DO(listen_tcp());
    if (!shared_.options.unix_socket.empty()) MILLRACE_DO(listen_local());
    if (tcp_.is_open()) accept(tcp_, false);
    if (local_.is_open()) accept(local_, true);
    for (auto& loop : shared_.loops) {
      sweep(*loop);
      loop->thread = std::thread([loop = loop.get()] { loop->io.run(); });
    }
    return {};
  }

  std::string address() const override { return address_; }

  void drain(Micros patience) override {
    if (shared_.draining.exchange(true)) return;  // whoever came first has waited
    asio::post(first().io, [this] {
      ErrorCode ignored;
      tcp_.close(ignored);
      local_.close(ignored);
    });
    for (auto& loop : shared_.loops)
      asio::post(loop->io, [loop = loop.get()] {
        for (auto* session : std::vector(loop->sessions.begin(), loop->sessions.end())) session->end_when_idle();
      });
    std::unique_lock lock(shared_.mutex);
    shared_.emptied.wait_for(lock, std::chrono::microseconds(patience), [&] { return shared_.open == 0; });
  }

 private:
  Loop& first() { return *shared_.loops.front(); }

  // Closing only cancels what a connection waits for; it goes when its last handler has run.
  void sweep(Loop& loop) {
    loop.sweeper.expires_after(kSweep);
    loop.sweeper.async_wait([this, &loop](ErrorCode error) {
      if (error) return;
      const auto now = Session::Clock::now();
      for (auto* session : std::vector(loop.sessions.begin(), loop.sessions.end())) session->end_when_late(now);
      sweep(loop);
    });
  }

  Result<void> listen_tcp() {
    MILLRACE_TRY(const auto where, parse_host_port(shared_.options.tcp));
    ErrorCode error;
    const auto address = asio::ip::make_address(where.host, error);
    const asio::ip::tcp::endpoint endpoint(address, where.port);
    const auto fail = [&](std::string_view doing) {
      const Code code = error == asio::error::address_in_use  ? Code::conflict
                        : error == asio::error::access_denied ? Code::denied
                                                              : Code::unavailable;
      return Error{code, fmt::format("cannot {} {}: {}", doing, shared_.options.tcp, error.message())}.hint(
          "give another port with --http HOST:PORT; port 0 takes a free one");
    };
    tcp_.open(endpoint.protocol(), error);
    if (error) return fail("open");
    tcp_.set_option(asio::socket_base::reuse_address(true), error);
    tcp_.bind(endpoint, error);
    if (error) return fail("listen on");
    tcp_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return fail("listen on");
    const auto bound = tcp_.local_endpoint(error);
    address_ = where.host.find(':') == std::string::npos ? fmt::format("{}:{}", where.host, bound.port())
                                                         : fmt::format("[{}]:{}", where.host, bound.port());
    return {};
  }

  Result<void> listen_local() {
    const auto& path = shared_.options.unix_socket;
    if (path.size() >= 108)
      return Error{Code::invalid, "the path of the socket is longer than 107 bytes"}
          .at({.file = path})
          .hint("give a state folder with a shorter path: --state DIR");
    ::unlink(path.c_str());  // ours: the lock file says that no owner lives
    ErrorCode error;
    local_.open(asio::local::stream_protocol(), error);
    const auto before = ::umask(0177);
    if (!error) local_.bind(asio::local::stream_protocol::endpoint(path), error);
    ::umask(before);
    if (!error) local_.listen(64, error);
    if (error)
      return Error{Code::unavailable, fmt::format("cannot listen on the socket: {}", error.message())}.at(
          {.file = path});
    local_bound_ = true;
    return {};
  }

  // Connections go to the loops in turn.
  template <class Acceptor>
  void accept(Acceptor& acceptor, bool unix_peer) {
    Loop& loop = *shared_.loops[next_loop_++ % shared_.loops.size()];
    acceptor.async_accept(loop.io.get_executor(), [this, &acceptor, &loop, unix_peer](ErrorCode error, auto socket) {
      if (error == asio::error::operation_aborted || !acceptor.is_open()) return;
      if (!error) {
        take(std::move(socket), unix_peer, loop);
        return accept(acceptor, unix_peer);
      }
      // Out of descriptors: wait a little rather than spin.
      auto timer = std::make_shared<asio::steady_timer>(first().io, std::chrono::milliseconds(50));
      timer->async_wait([this, &acceptor, unix_peer, timer](ErrorCode) { accept(acceptor, unix_peer); });
    });
  }

  template <class AnySocket>
  void take(AnySocket socket, bool unix_peer, Loop& loop) {
    if (!shared_.enter()) return;
    ErrorCode ignored;
    if (!unix_peer) {
      const int on = 1;
      ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    const auto remote = socket.remote_endpoint(ignored);
    const bool loopback = !ignored && !unix_peer && is_loopback(asio::generic::stream_protocol::endpoint(remote));
    auto moved = std::make_shared<Socket>(std::move(socket));
    asio::post(loop.io, [this, moved, unix_peer, loopback, &loop] {
      std::make_shared<Session>(std::move(*moved), unix_peer, loopback, shared_, loop)->start();
    });
  }

  Shared shared_;
  asio::ip::tcp::acceptor tcp_;
  asio::local::stream_protocol::acceptor local_;
  size_t next_loop_ = 0;  // the first loop's thread only, once it runs
  bool local_bound_ = false;
  std::string address_;
};

}  // namespace

Result<HostPort> parse_host_port(std::string_view text) {
  const auto refuse = [&] {
    return Error{Code::invalid, fmt::format("'{}' is not HOST:PORT", text.substr(0, 100))}.hint(
        "e.g. 127.0.0.1:8080, [::1]:8080, or port 0 for a free one");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse();
  HostPort out;
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  out.host = host == "localhost" ? "127.0.0.1" : std::string(host);
  ErrorCode error;
  const auto address = asio::ip::make_address(out.host, error);
  const auto port = text.substr(colon + 1);
  const auto [end, bad] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error || bad != std::errc() || end != port.data() + port.size()) return refuse();
  out.loopback = address.is_loopback();
  return out;
}

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, const Dispatcher& dispatcher) {
  auto server = std::make_unique<BeastServer>(options, dispatcher);
  try {
    MILLRACE_DO(server->listen());
  } catch (const std::exception& thrown) {
    return Error{Code::unavailable, fmt::format("the server cannot start: {}", thrown.what())};
  }
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace millrace::api
