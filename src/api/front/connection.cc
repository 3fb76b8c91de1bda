#include "api/front/connection.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <charconv>

#include <fmt/format.h>

#include "api/origin.h"
#include "core/limits.h"
#include "core/limits/transfer_limits.h"

namespace millrace::api::front {
namespace {

constexpr auto kHeaderTime = std::chrono::seconds(10);
constexpr auto kIdleTime = std::chrono::seconds(75);
constexpr auto kBodyTime = std::chrono::seconds(60);    // between two pieces of a body
constexpr auto kHeldTime = std::chrono::seconds(60);    // for an answer that comes later
constexpr auto kLingerTime = std::chrono::seconds(10);  // for a refused body that is still under way
constexpr size_t kLingerBytes = 256 << 20;
constexpr size_t kFirstBody = 1 << 20;  // reserved on the word of a head
constexpr size_t kJoined = 16 << 10;    // of an answer: copied behind its head rather than sent as a second part
constexpr size_t kPadding = 64;         // behind a body, for readers that look ahead
constexpr size_t kGathered = 64 << 10;  // of a body: what large ones save is little, and one is read at a time
constexpr size_t kKept = 16 << 10;      // of a buffer, between two requests: idle connections are many

bool is_100_continue(std::string_view value) {
  constexpr std::string_view expected = "100-continue";
  return value.size() == expected.size() &&
         std::equal(value.begin(), value.end(), expected.begin(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
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

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  // A value must not begin a line of its own.
  for (const char c : value) out.push_back(c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
  out += "\r\n";
}

void append_number(std::string& out, uint64_t value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void release(std::string& buffer) {
  if (buffer.capacity() > kKept)
    std::string().swap(buffer);
  else
    buffer.clear();
}

}  // namespace

Shared::Shared(ServerOptions wanted, const Dispatcher& dispatcher)
    : options(std::move(wanted)), dispatcher(dispatcher), workers(static_cast<size_t>(options.worker_threads)) {
  const size_t wanted_threads =
      options.network_threads > 0 ? static_cast<size_t>(options.network_threads) : default_threads();
  while (threads.size() < wanted_threads) threads.push_back(std::make_unique<NetworkThread>());
}

Connection::Connection(int descriptor, Peer peer, bool unix_peer, Shared& shared, NetworkThread& home)
    : descriptor_(descriptor), peer_(std::move(peer)), unix_(unix_peer), shared_(shared), home_(home) {}

Connection::~Connection() {
  if (descriptor_ >= 0) ::close(descriptor_);
  shared_.open.leave();
}

void Connection::start() {
  home_.connections.emplace(this, shared_from_this());
  begin_request();
  // Told of changes only: a request costs no call to change what is waited for.
  if (!home_.loop.watch(descriptor_, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *this)) close();
}

void Connection::end_when_idle() {
  const auto self = shared_from_this();
  if (state_ == State::head && in_at_ == in_.size()) close();
}

void Connection::end_when_late(EventLoop::Clock::time_point now) {
  const auto self = shared_from_this();
  if (now > deadline_) close();
}

void Connection::on_events(uint32_t events) {
  const auto self = shared_from_this();  // closing lets go of the loop's hold
  readable_ = true;
  ended_ |= (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) writable_ = true;
  advance();
}

void Connection::advance() {
  while (step()) {}
}

bool Connection::step() {
  switch (state_) {
    case State::head: return read_head();
    case State::body: return read_body();
    case State::writing: return flush();
    case State::streaming: return flush();
    case State::lingering: return discard();
    case State::held: return ended_ && close();
    case State::running:
    case State::closed: return false;
  }
  return false;
}

void Connection::begin_request() {
  reader_.emplace();
  request_ = {};
  route_ = nullptr;
  taken_ = 0;
  keep_alive_ = false;
  state_ = State::head;
  within(in_at_ < in_.size() ? kHeaderTime : kIdleTime);
}

// What there is now, in the thread's scratch; nothing: wait, or closed.
std::optional<std::string_view> Connection::receive() {
  if (!readable_) return std::nullopt;
  auto& scratch = home_.scratch;
  ssize_t got = 0;
  do got = ::recv(descriptor_, scratch.data(), scratch.size(), 0);
  while (got < 0 && errno == EINTR);
  if (got > 0) {
    // A short read has emptied the socket, and what comes later is told of; its end may have been told of already.
    if (static_cast<size_t>(got) < scratch.size() && !ended_) readable_ = false;
    return std::string_view(scratch.data(), static_cast<size_t>(got));
  }
  readable_ = false;
  if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) close();
  return std::nullopt;
}

bool Connection::fill() {
  const auto got = receive();
  if (!got) return false;
  if (in_at_ > 0) in_.erase(0, in_at_), in_at_ = 0;
  in_.append(*got);
  return true;
}

bool Connection::read_head() {
  if (in_at_ == in_.size()) {
    if (shared_.open.draining()) return close();
    if (!fill()) return false;
  }
  const bool began = !request_.method.empty();
  auto step = reader_->read_head(std::string_view(in_).substr(in_at_), request_);
  if (!step) {
    const bool large = step.error().code() == Code::too_large;
    const bool target = step.error().where().field == "target";
    return refuse(step.error(), target ? 414 : large ? 431 : 400);
  }
  in_at_ += step->used;
  if (!step->more) return on_head();
  if (!began) within(kHeaderTime);
  return fill();
}

bool Connection::on_head() {
  keep_alive_ = reader_->keep_alive();
  size_t hosts = 0;
  for (const auto& [name, value] : request_.headers) hosts += name == "host";
  if (auto split = split_target(reader_->target(), request_); !split) return refuse(split.error(), 400);
  if (hosts != 1 && !(hosts == 0 && reader_->is_http_1_0()))
    return refuse(Error{Code::invalid, "one Host header is needed"}, 400);
  Peer peer = peer_;
  if (!unix_ && peer.local) peer.stranger = why_stranger(request_);
  if (!peer.stranger.empty()) peer.local = false;
  if (auto own = check_origin(request_); !own) return refuse(own.error(), 403);

  const auto& dispatcher = shared_.dispatcher;
  auto match = dispatcher.router().match(request_.method, request_.path);
  route_ = match.route;
  if (route_ == nullptr) return finish_early(dispatcher.no_route(request_, match));
  request_.args = std::move(match.args);
  if (auto admitted = dispatcher.admit(*route_, request_, peer); !admitted)
    return finish_early(error_reply(request_.path, admitted.error(), request_.caller.request_id));
  const auto encoding = request_.header("content-encoding");
  if (!encoding.empty() && encoding != "identity" && !route_->limit.encoded)
    return refuse(
        Error{Code::invalid, fmt::format("Content-Encoding '{}' is not read here", encoding.substr(0, 80))}.hint(
            "send the body uncompressed"),
        415);
  const auto length = reader_->content_length();
  if (length && *length > route_->limit.bytes) return refuse(too_large(), 413);
  if (route_->limit.spool && !reader_->is_done()) {
    auto spool = Spool::open(shared_.options.temp_folder);
    if (!spool) return refuse(spool.error(), 507);
    spool_.emplace(std::move(*spool));
  } else if (length) {
    request_.body.reserve(std::min<uint64_t>(*length, kFirstBody) + kPadding);
  }
  if (!reader_->is_done() && is_100_continue(request_.header("expect"))) {
    constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    // Nothing else is on its way to this client, so its few bytes find room.
    if (::send(descriptor_, go_on.data(), go_on.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(go_on.size()))
      return close();
  }
  state_ = State::body;
  return true;
}

Error Connection::too_large() const {
  return Error{Code::too_large,
               fmt::format("the body is larger than the {} bytes that this address takes", route_->limit.bytes)};
}

Result<void> Connection::keep_piece(std::string_view piece) {
  taken_ += piece.size();
  if (taken_ > route_->limit.bytes) return too_large();
  if (spool_) return spool_->append(piece);
  request_.body.append(piece);
  return {};
}

bool Connection::read_body() {
  if (reader_->is_done()) return run();
  const bool held = in_at_ < in_.size();
  auto bytes = std::string_view(in_).substr(in_at_);
  if (!held) {
    within(kBodyTime);
    const auto got = receive();
    if (!got) return false;
    bytes = *got;
  }
  const auto step = reader_->read_body(bytes, [this](std::string_view piece) { return keep_piece(piece); });
  if (!step) {
    const Code code = step.error().code();
    return refuse(step.error(), code == Code::too_large ? 413 : code == Code::invalid ? 400 : 507);
  }
  if (held)
    in_at_ += step->used;
  else
    in_.assign(bytes.substr(step->used)), in_at_ = 0;
  // What is left is the beginning of something that only more bytes make whole.
  return !step->more || in_at_ == in_.size() || fill();
}

void Connection::on_worker(std::function<std::function<void()>()> work) {
  boost::asio::post(shared_.workers, [self = shared_from_this(), work = std::move(work)] {
    self->home_.loop.post([self, then = work()] {
      if (self->state_ == State::closed) return;
      then();
      self->advance();
    });
  });
}

bool Connection::run() {
  deadline_ = EventLoop::Clock::time_point::max();
  if (spool_) {
    request_.body_digest = spool_->digest();
    if (auto closed = spool_->close(); !closed) return refuse(closed.error(), 507);
    request_.body_file = spool_->path();
  }
  request_.body.reserve(request_.body.size() + kPadding);
  if (in_at_ == in_.size()) release(in_), in_at_ = 0;
  if (gather()) return false;
  if (route_->run == Run::inline_) return write(shared_.dispatcher.run(*route_, request_));
  state_ = State::running;
  on_worker([this]() -> std::function<void()> {
    // Shared, because a function is copied and a reply may hold a stream.
    auto reply = std::make_shared<Reply>(shared_.dispatcher.run(*route_, request_));
    return [this, reply] { write(std::move(*reply)); };
  });
  return false;
}

// Nobody waits for others to come: only what is ready now is answered together. All of it is read before anything is
// answered, so a packed body, which may unfold to the limit, stays alone.
bool Connection::gather() {
  if (!route_->together || (home_.loop.waiting() == 0 && home_.gathered.empty())) return false;
  if (request_.body.size() > kGathered || !request_.header("content-encoding").empty()) return false;
  if (!route_->gathers(request_)) return false;
  state_ = State::running;
  home_.gathered.push_back(shared_from_this());
  return true;
}

void Connection::answer_gathered(NetworkThread& home) {
  std::vector<std::shared_ptr<Connection>> all;
  // A connection that is answered may bring its next request, and that may be gathered again.
  while (!home.gathered.empty() || !all.empty()) {
    if (all.empty()) all.swap(home.gathered);
    const Route& route = *all.front()->route_;
    const auto others =
        std::stable_partition(all.begin(), all.end(), [&](const auto& each) { return each->route_ == &route; });
    std::vector<Request*> requests;
    for (auto each = all.begin(); each != others; ++each) requests.push_back(&(*each)->request_);
    auto replies = all.front()->shared_.dispatcher.run_together(route, requests);
    for (size_t i = 0; i < replies.size(); ++i) {
      auto& each = *all[i];
      if (each.state_ == State::closed) continue;
      each.write(std::move(replies[i]));
      each.advance();
    }
    all.erase(all.begin(), others);
  }
}

void Connection::append_head(const Reply& reply, uint64_t size) {
  out_ = "HTTP/1.1 ";
  append_number(out_, static_cast<uint64_t>(reply.status));
  out_ += ' ';
  out_ += reason_phrase(reply.status);
  out_ += "\r\n";
  if (!reply.content_type.empty()) append_field(out_, "Content-Type", reply.content_type);
  for (const auto& [name, value] : reply.headers) append_field(out_, name, value);
  out_ += "x-content-type-options: nosniff\r\nContent-Length: ";
  append_number(out_, size);
  keep_open_ = keep_alive_ && !shared_.open.draining();
  if (!keep_open_)
    out_ += "\r\nConnection: close";
  else if (reader_->is_http_1_0())
    out_ += "\r\nConnection: keep-alive";
  out_ += "\r\n\r\n";
  out_at_ = 0;
}

bool Connection::write(Reply reply) {
  spool_.reset();
  if (reply.later) return hold(std::move(reply));
  if (reply.stream) return write_stream(std::move(reply));
  append_head(reply, reply.body.size());
  if (request_.method == "HEAD") reply.body.clear();
  if (reply.body.size() <= kJoined)
    out_ += reply.body;
  else
    out_body_ = std::move(reply.body);
  state_ = State::writing;
  return true;
}

// Until the answer is given no thread is taken up; a client that ends the connection meanwhile is forgotten.
bool Connection::hold(Reply reply) {
  state_ = State::held;
  within(kHeldTime);
  const auto give = [weak = weak_from_this(), loop = &home_.loop, more = reply.headers](Reply later) {
    later.headers.insert(later.headers.end(), more.begin(), more.end());
    // Shared, because a function is copied.
    loop->post([weak, answer = std::make_shared<Reply>(std::move(later))] {
      const auto self = weak.lock();
      if (!self || self->state_ != State::held) return;
      self->write(std::move(*answer));
      self->advance();
    });
  };
  reply.later({.give = give, .waiting = weak_from_this()});
  return true;
}

// A worker reads a piece, which may wait for a disk or a network; this thread sends it; then the next. Memory is one
// piece, and the time limit is one piece's.
bool Connection::write_stream(Reply reply) {
  append_head(reply, reply.stream_size);
  stream_ = std::move(reply.stream);
  stream_left_ = request_.method == "HEAD" ? 0 : reply.stream_size;
  state_ = State::streaming;
  return true;
}

void Connection::ask_piece() {
  deadline_ = EventLoop::Clock::time_point::max();
  state_ = State::running;
  on_worker([this, room = std::min<uint64_t>(limits::stream_piece_bytes, stream_left_)]() -> std::function<void()> {
    std::string piece(room, '\0');
    auto got = stream_->read(piece.data(), room);
    if (!got) shared_.dispatcher.note_broken(request_, got.error().text());
    piece.resize(got ? *got : 0);
    return [this, piece = std::move(piece)]() mutable { take_piece(std::move(piece)); };
  });
}

void Connection::take_piece(std::string piece) {
  if (piece.empty()) {
    close();  // the head has promised more: only a broken connection tells
    return;
  }
  stream_left_ -= piece.size();
  out_body_ = std::move(piece);
  state_ = State::streaming;
}

bool Connection::flush() {
  const size_t all = out_.size() + out_body_.size();
  while (out_at_ < all) {
    if (!writable_) return within(kBodyTime), false;
    iovec parts[2];
    int count = 0;
    if (out_at_ < out_.size()) parts[count++] = {out_.data() + out_at_, out_.size() - out_at_};
    const size_t body_at = out_at_ > out_.size() ? out_at_ - out_.size() : 0;
    if (body_at < out_body_.size()) parts[count++] = {out_body_.data() + body_at, out_body_.size() - body_at};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = static_cast<size_t>(count);
    const ssize_t sent = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
    if (sent >= 0) {
      out_at_ += static_cast<size_t>(sent);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      writable_ = false;
    } else if (errno != EINTR) {
      return close();
    }
  }
  out_at_ = 0;
  release(out_);
  release(out_body_);
  if (state_ == State::streaming && stream_left_ > 0) return ask_piece(), false;
  stream_.reset();
  return on_written();
}

bool Connection::on_written() {
  if (keep_open_) return begin_request(), true;
  // Also while the head is still coming: its sender gets to read why.
  if (reader_->body_follows() || !reader_->has_head()) return linger();
  return close();
}

// Closing while a client still sends would make its system throw our answer away unread.
bool Connection::linger() {
  ::shutdown(descriptor_, SHUT_WR);
  taken_ = 0;
  state_ = State::lingering;
  within(kLingerTime);
  return true;
}

bool Connection::discard() {
  taken_ += in_.size() - in_at_;
  in_.clear();
  in_at_ = 0;
  if (taken_ > kLingerBytes) return close();
  const auto got = receive();
  if (!got) return false;
  taken_ += got->size();
  return true;
}

// The rest of the request is not read, so the connection cannot be used again.
bool Connection::refuse(const Error& error, int status) {
  auto reply = error_reply(request_.path.empty() ? "/" : request_.path, error, request_.caller.request_id);
  restate(reply, status);
  return finish_early(std::move(reply));
}

bool Connection::finish_early(Reply reply) {
  if (!reader_->is_done()) keep_alive_ = false;
  return write(std::move(reply));
}

bool Connection::close() {
  if (state_ == State::closed) return false;
  state_ = State::closed;
  // A child that is being started has copies of all descriptors until it is another program: closing ours alone would
  // leave it watched, and the loop would be told of a connection that is gone.
  home_.loop.unwatch(descriptor_);
  ::shutdown(descriptor_, SHUT_RDWR);
  ::close(descriptor_);
  descriptor_ = -1;
  home_.connections.erase(this);
  return false;
}

}  // namespace millrace::api::front
