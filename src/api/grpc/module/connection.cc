#include "api/grpc/module/connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "core/limits.h"
#include "core/limits/grpc_limits.h"

namespace millrace::api::rpc {
namespace {

constexpr Micros kSecond = 1'000'000;
constexpr Micros kGreetingTime = 10 * kSecond;
constexpr Micros kPieceTime = 60 * kSecond;   // between two pieces of a message, and of what is sent
constexpr Micros kPartingTime = 2 * kSecond;  // for the client to close
constexpr int32_t kStreamWindow = 1 << 20, kWindow = 16 << 20;
constexpr size_t kSendAtOnce = 64 << 10;
constexpr size_t kTurn = 1 << 20;       // read before others have their turn
constexpr size_t kGathered = 64 << 10;  // of a message: what large ones save is little
constexpr size_t kUnread = 1 << 20;     // answers of a stream that its client does not take: no more are made
constexpr size_t kKept = 16 << 10;      // of a buffer, while nothing is sent

nghttp2_nv field(std::string_view name, std::string_view value) {
  return {.name = reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          .value = reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())),
          .namelen = name.size(),
          .valuelen = value.size(),
          .flags = NGHTTP2_NV_FLAG_NONE};
}

Error stopping() { return Error{Code::unavailable, "the server is stopping"}; }

bool is_grpc(std::string_view content_type) {
  constexpr std::string_view grpc = "application/grpc";
  return content_type.starts_with(grpc) &&
         (content_type.size() == grpc.size() || content_type[grpc.size()] == '+' || content_type[grpc.size()] == ';');
}

// Status and details behind an answer, or in place of one. Owns the texts that its fields point to.
class Trailer {
 public:
  Trailer(const std::optional<Failure>& failure, std::string_view request_id, bool alone) {
    if (alone) {
      fields_.push_back(field(":status", "200"));
      fields_.push_back(field("content-type", "application/grpc"));
    }
    status_ = std::to_string(static_cast<int>(failure ? failure->status : Status::OK));
    fields_.push_back(field("grpc-status", status_));
    if (!failure) return;
    message_ = encoded(failure->text);
    fields_.push_back(field("grpc-message", message_));
    if (failure->status == Status::UNIMPLEMENTED) fields_.push_back(field("grpc-accept-encoding", "identity"));
    for (const auto& [name, value] : failure->details) fields_.push_back(field(name, value));
    if (!request_id.empty()) fields_.push_back(field("x-request-id", request_id));
  }
  const std::vector<nghttp2_nv>& fields() const { return fields_; }

 private:
  std::string status_, message_;
  std::vector<nghttp2_nv> fields_;
};

}  // namespace

// From nghttp2's calls to ours.
struct Connection::Callbacks {
  static Connection& of(void* user) { return *static_cast<Connection*>(user); }

  static int begin(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    of(user).on_begin(frame->hd.stream_id);
    return 0;
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                    const uint8_t* value, size_t value_size, uint8_t, void* user) {
    const auto exchange = of(user).find(frame->hd.stream_id);
    if (!exchange || exchange->has_head) return 0;
    of(user).on_field(*exchange, {reinterpret_cast<const char*>(name), name_size},
                      {reinterpret_cast<const char*>(value), value_size});
    return 0;
  }

  static int received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    auto& self = of(user);
    if (frame->hd.type == NGHTTP2_SETTINGS) self.greeted_ = true;
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    const auto exchange = self.find(frame->hd.stream_id);
    if (!exchange) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && !exchange->has_head) self.on_head(exchange);
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) self.on_said_all(exchange);
    return 0;
  }

  static int data(nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, size_t size, void* user) {
    auto& self = of(user);
    nghttp2_session_consume_connection(self.session_, size);
    if (const auto exchange = self.find(id)) self.on_data(exchange, {reinterpret_cast<const char*>(bytes), size});
    return 0;
  }

  // After the status nothing of the call is read: its client need not send the rest (RFC 9113, 8.1).
  static int sent(nghttp2_session* session, const nghttp2_frame* frame, void*) {
    if (frame->hd.type == NGHTTP2_HEADERS && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) &&
        nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) == 0)
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    return 0;
  }

  static int closed(nghttp2_session*, int32_t id, uint32_t, void* user) {
    of(user).on_closed(id);
    return 0;
  }

  static ssize_t wanted(nghttp2_session*, int32_t, uint8_t* to, size_t room, uint32_t* flags,
                        nghttp2_data_source* source, void* user) {
    return of(user).on_wanted(*static_cast<Exchange*>(source->ptr), to, room, flags);
  }

  static nghttp2_session* session(Connection& self) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_option* options = nullptr;
    nghttp2_session* out = nullptr;
    if (nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&options) == 0) {
      nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, begin);
      nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
      nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, received);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data);
      nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, sent);
      nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, closed);
      // A client that does not stop when its messages are not taken is told so by its window.
      nghttp2_option_set_no_auto_window_update(options, 1);
      nghttp2_option_set_no_closed_streams(options, 1);
      nghttp2_session_server_new2(&out, callbacks, &self, options);
    }
    nghttp2_option_del(options);
    nghttp2_session_callbacks_del(callbacks);
    return out;
  }
};

Connection::Connection(int descriptor, bool loopback, Shared& shared, NetworkThread& home)
    : descriptor_(descriptor), loopback_(loopback), shared_(shared), home_(home) {}

Connection::~Connection() {
  if (session_ != nullptr) nghttp2_session_del(session_);
  if (descriptor_ >= 0) ::close(descriptor_);
  for (const auto& [id, exchange] : exchanges_) forget(exchange);
  shared_.open.leave();
}

void Connection::start() {
  home_.connections.emplace(this, shared_from_this());
  began_ = heard_ = used_ = shared_.service.now();
  session_ = Callbacks::session(*this);
  if (session_ == nullptr) return close();
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits::grpc_concurrent_calls},
                                             {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
                                             {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits::http_header_bytes}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kWindow);
  // Told of changes only: a call costs no call to change what is waited for.
  if (!home_.loop.watch(descriptor_, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *this)) return close();
  if (shared_.open.draining()) return close();
  flush();
}

ExchangePtr Connection::find(int32_t id) const {
  const auto found = exchanges_.find(id);
  return found == exchanges_.end() ? nullptr : found->second;
}

// Bytes in and out.

void Connection::on_events(uint32_t events) {
  const auto self = shared_from_this();  // closing lets go of the loop's hold
  readable_ |= (events & ~EPOLLOUT) != 0;
  ended_ |= (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) writable_ = true;
  receive();
  // What is gathered is answered after this look, and sent with the rest.
  if (!gathering_) flush();
}

void Connection::receive() {
  auto& scratch = home_.scratch;
  size_t turn = 0;
  while (readable_ && descriptor_ >= 0) {
    if (turn >= kTurn) {
      home_.loop.post([self = shared_from_this()] {
        if (self->descriptor_ >= 0) self->on_events(EPOLLIN);
        answer_gathered(self->home_);
      });
      return;
    }
    const ssize_t got = ::recv(descriptor_, scratch.data(), scratch.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      readable_ = false;
      if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
      if (got == 0) flush();  // what it did wrong, if it still listens
      return close();
    }
    turn += static_cast<size_t>(got);
    // A short read has emptied the socket, and what comes later is told of; its end may have been told of already.
    if (static_cast<size_t>(got) < scratch.size() && !ended_) readable_ = false;
    heard_ = shared_.service.now();
    asked_ = 0;
    if (parted_) continue;
    if (nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(scratch.data()), static_cast<size_t>(got)) <
        0)
      return close();
  }
}

bool Connection::send_out() {
  while (out_at_ < out_.size()) {
    if (!writable_) return false;
    const ssize_t sent = ::send(descriptor_, out_.data() + out_at_, out_.size() - out_at_, MSG_NOSIGNAL);
    if (sent >= 0) {
      out_at_ += static_cast<size_t>(sent);
      stuck_ = 0;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      writable_ = false;
      stuck_ = shared_.service.now();
    } else if (errno != EINTR) {
      close();
      return false;
    }
  }
  out_at_ = 0;
  out_.clear();
  if (out_.capacity() > kKept + kSendAtOnce) std::string().swap(out_);
  return true;
}

void Connection::flush() {
  bool more = true;
  while (more && descriptor_ >= 0 && !parted_) {
    if (leaving_ && exchanges_.empty()) nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
    while (out_.size() < kSendAtOnce) {
      const uint8_t* bytes = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
      if (size < 0) return close();
      if (size == 0) break;
      out_.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
    }
    more = out_.size() >= kSendAtOnce || (leaving_ && exchanges_.empty() && !out_.empty());
    if (!send_out()) return;
    for (const auto& exchange : std::exchange(taken_, {})) {
      answer_stream(exchange);
      more = true;
    }
  }
  if (descriptor_ < 0 || parted_) return;
  if (nghttp2_session_want_read(session_) != 0 || nghttp2_session_want_write(session_) != 0) return;
  // Closing while a client still sends would make its system throw our answers away unread.
  ::shutdown(descriptor_, SHUT_WR);
  parted_ = true;
  used_ = shared_.service.now();
}

void Connection::close() {
  if (descriptor_ < 0) return;
  home_.loop.unwatch(descriptor_);  // closing alone does not end it while a child that is being started has a copy
  ::close(descriptor_);
  descriptor_ = -1;
  for (const auto& [id, exchange] : exchanges_) exchange->gone = true;
  home_.connections.erase(this);
}

// Calls that come in.

void Connection::on_begin(int32_t id) {
  auto exchange = std::make_shared<Exchange>();
  exchange->id = id;
  exchanges_.emplace(id, std::move(exchange));
}

void Connection::on_field(Exchange& exchange, std::string_view name, std::string_view value) {
  auto& head = exchange.head;
  exchange.head_bytes += name.size() + value.size() + 32;  // as HTTP/2 counts them
  if (exchange.head_bytes > limits::http_header_bytes || head.metadata.size() >= limits::http_headers) {
    head.too_large = true;
    return;
  }
  if (name == ":path")
    head.path = value;
  else if (name == ":method")
    head.method = value;
  else if (name == "content-type")
    head.content_type = value;
  else if (name == "grpc-encoding")
    head.encoding = value;
  else if (name == "grpc-timeout")
    head.timeout = value;
  else if (!name.starts_with(':'))
    head.metadata.emplace_back(name, value);
}

void Connection::on_head(const ExchangePtr& exchange) {
  auto& it = *exchange;
  it.has_head = true;
  it.heard = used_ = shared_.service.now();
  auto& service = shared_.service;
  const auto& head = it.head;
  if (!head.too_large && (head.method != "POST" || !is_grpc(head.content_type))) {
    // Not gRPC: a browser or a wrong port.
    it.refused = it.answered = it.finished = true;
    const nghttp2_nv status[] = {field(":status", head.method != "POST" ? "405" : "415")};
    nghttp2_submit_response(session_, it.id, status, 1, nullptr);
    return;
  }
  const Entry* entry = service.find(head.path);
  if (head.too_large)
    return refuse(exchange,
                  Error{Code::too_large, fmt::format("the head of the call has more than {} bytes or {} fields",
                                                     limits::http_header_bytes, limits::http_headers)});
  if (entry == nullptr)
    return refuse(exchange,
                  Error{Code::unsupported, fmt::format("there is no method {}", head.path.substr(0, 200))}.hint(
                      "methods are those of /inference.GRPCInferenceService"));
  auto asker = service.admit(*entry, head, loopback_);
  it.entry = entry;
  if (!asker) return refuse(exchange, asker.error());
  it.asker = std::move(*asker);
  if (!head.encoding.empty() && head.encoding != "identity")
    return refuse(exchange, Error{Code::unsupported, fmt::format("compression of messages is disabled here, not '{}'",
                                                                 head.encoding.substr(0, 40))}
                                .hint("send them as they are"));
  if (leaving_ && entry->method.stream) return refuse(exchange, stopping());
  if (is_full(exchange)) return;
  if (!entry->method.stream) return;
  if (const size_t open = shared_.streams.fetch_add(1); open >= limits::grpc_streams) {
    shared_.streams.fetch_sub(1);
    return refuse(exchange, Error{Code::unavailable, fmt::format("{} streams are open, which is the limit", open)}.hint(
                                "end streams that are not used"));
  }
  it.counted = true;
  begin_answer(it);
}

bool Connection::is_full(const ExchangePtr& exchange) {
  if (shared_.held.load(std::memory_order_relaxed) <= limits::grpc_buffers_bytes) return false;
  refuse(exchange,
         Error{Code::unavailable, fmt::format("messages of more than {} bytes are under way, which is the limit",
                                              limits::grpc_buffers_bytes)}
             .hint("try again in a second"));
  return true;
}

void Connection::on_data(const ExchangePtr& exchange, std::string_view bytes) {
  auto& it = *exchange;
  it.not_granted += bytes.size();
  it.heard = shared_.service.now();
  if (it.refused) return grant(it);
  it.received += bytes.size();
  hold(it, bytes.size());
  if (is_full(exchange)) return grant(it);
  while (!bytes.empty()) {
    auto message = it.reader.read(bytes);
    if (!message) return refuse(exchange, message.error());
    if (!*message) break;
    it.messages.push_back(std::move(**message));
    if (it.entry->method.stream || it.messages.size() == 1) continue;
    return refuse(exchange, Error{Code::unsupported, "the method takes one message, not more"});
  }
  if (it.entry->method.stream) return answer_stream(exchange);
  grant(it);
}

void Connection::on_said_all(const ExchangePtr& exchange) {
  auto& it = *exchange;
  it.said_all = true;
  if (it.refused) return;
  if (it.reader.amid()) return refuse(exchange, Error{Code::invalid, "the message was cut short"});
  if (it.entry->method.stream) return answer_stream(exchange);
  if (it.messages.empty()) return refuse(exchange, Error{Code::unsupported, "the method takes one message, not none"});
  answer_unary(exchange);
}

void Connection::on_closed(int32_t id) {
  const auto exchange = find(id);
  if (!exchange) return;
  forget(exchange);
  exchanges_.erase(id);
  used_ = shared_.service.now();
}

void Connection::forget(const ExchangePtr& exchange) {
  exchange->gone = true;
  if (exchange->counted) shared_.streams.fetch_sub(1);
  exchange->counted = false;
  let_go(*exchange, exchange->held);
}

// Answers.

void Connection::answer_unary(const ExchangePtr& exchange) {
  auto& it = *exchange;
  it.answering = true;
  const auto& method = it.entry->method;
  if (method.infers && it.messages.front().size() <= kGathered && !shared_.service.waits(method)) {
    gathering_ = true;
    home_.gathered.push_back({shared_from_this(), exchange});
    return;
  }
  run(exchange, take_message(it));
}

void Connection::answer_gathered(NetworkThread& home) {
  auto all = std::exchange(home.gathered, {});
  const auto touched = all;
  // Nobody waits for the answer of a call that was cancelled.
  std::erase_if(all, [](const auto& each) { return each.exchange->gone.load(); });
  if (!all.empty()) answer_together(all);
  for (const auto& [connection, exchange] : touched)
    if (std::exchange(connection->gathering_, false) && connection->descriptor_ >= 0) connection->flush();
}

void Connection::answer_together(const std::vector<NetworkThread::Gathered>& all) {
  std::vector<std::string> answers(all.size());
  std::vector<Service::Asked> asked;
  asked.reserve(all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    const auto& it = *all[i].exchange;
    asked.push_back({*it.entry, it.asker, it.head, it.messages.front(), &answers[i]});
  }
  auto& service = all.front().connection->shared_.service;
  if (asked.size() == 1) {
    auto& only = asked.front();
    only.failure = service.answer(only.entry, only.asker, only.head, only.in, *only.out);
  } else {
    service.answer_together(asked);
  }
  for (size_t i = 0; i < all.size(); ++i)
    all[i].connection->take_answer(all[i].exchange, std::move(answers[i]), std::move(asked[i].failure));
}

void Connection::answer_stream(const ExchangePtr& exchange) {
  auto& it = *exchange;
  while (!it.answering && !it.finished && it.out.size() - it.out_at <= kUnread) {
    if (leaving_) return finish(exchange, failure_of(stopping()));
    if (it.messages.empty()) {
      grant(it);
      if (it.said_all) finish(exchange);
      return;
    }
    it.answering = true;
    it.asker.arrived = shared_.service.now();
    run(exchange, take_message(it));
  }
}

std::string Connection::take_message(Exchange& exchange) {
  auto out = std::move(exchange.messages.front());
  exchange.messages.pop_front();
  exchange.received -= out.size() + kPrefix;
  let_go(exchange, out.size() + kPrefix);
  return out;
}

void Connection::run(const ExchangePtr& exchange, std::string message) {
  auto& service = shared_.service;
  const auto answer = [&service](const Exchange& of, const std::string& message, std::string& out) {
    return service.answer(*of.entry, of.asker, of.head, message, out);
  };
  if (!service.waits(exchange->entry->method)) {
    std::string out;
    auto failure = answer(*exchange, message, out);
    return take_answer(exchange, std::move(out), std::move(failure));
  }
  auto task = [self = shared_from_this(), exchange, answer, message = std::move(message)] {
    std::string out;
    std::optional<Failure> failure;
    // Nobody waits for the answer of a call that was cancelled.
    if (!exchange->gone) failure = answer(*exchange, message, out);
    self->home_.loop.post([self, exchange, out = std::move(out), failure = std::move(failure)]() mutable {
      if (self->descriptor_ < 0) return;
      self->take_answer(exchange, std::move(out), std::move(failure));
      if (exchange->entry->method.stream) self->answer_stream(exchange);
      self->flush();
    });
  };
  if (auto refused = service.post(std::move(task))) take_answer(exchange, {}, std::move(refused));
}

// Those of a stream are answers also when they say what was wrong; a failure without one ends it.
void Connection::take_answer(const ExchangePtr& exchange, std::string answer, std::optional<Failure> failure) {
  auto& it = *exchange;
  it.answering = false;
  if (it.gone || it.finished) return;
  hold(it, answer.size());
  if (it.out_at == it.out.size())
    it.out = std::move(answer), it.out_at = 0;
  else
    it.out += answer;
  if (!it.entry->method.stream || it.out.empty()) return finish(exchange, std::move(failure));
  if (std::exchange(it.deferred, false)) nghttp2_session_resume_data(session_, it.id);
}

void Connection::refuse(const ExchangePtr& exchange, const Error& error) {
  finish(exchange, shared_.service.refuse(exchange->entry, error));
}

void Connection::begin_answer(Exchange& exchange) {
  exchange.answered = true;
  const nghttp2_nv fields[] = {field(":status", "200"), field("content-type", "application/grpc")};
  const nghttp2_data_provider provider{.source = {.ptr = &exchange}, .read_callback = Callbacks::wanted};
  nghttp2_submit_response(session_, exchange.id, fields, std::size(fields), &provider);
}

void Connection::finish(const ExchangePtr& exchange, std::optional<Failure> failure) {
  auto& it = *exchange;
  if (it.finished) return;
  it.finished = true;
  it.refused = true;
  it.messages.clear();
  it.reader = {};
  let_go(it, std::exchange(it.received, 0));
  it.failure = std::move(failure);
  grant(it);
  if (it.answered) {
    if (std::exchange(it.deferred, false)) nghttp2_session_resume_data(session_, it.id);
    return;
  }
  if (!it.out.empty()) return begin_answer(it);
  it.answered = true;
  const Trailer only(it.failure, it.asker.caller.request_id, true);
  nghttp2_submit_response(session_, it.id, only.fields().data(), only.fields().size(), nullptr);
}

ssize_t Connection::on_wanted(Exchange& exchange, uint8_t* to, size_t room, uint32_t* flags) {
  const size_t size = std::min(room, exchange.out.size() - exchange.out_at);
  std::copy_n(exchange.out.data() + exchange.out_at, size, to);
  exchange.out_at += size;
  let_go(exchange, size);
  if (exchange.out_at < exchange.out.size()) return static_cast<ssize_t>(size);
  if (!exchange.finished && (!exchange.messages.empty() || exchange.not_granted > 0))
    taken_.push_back(find(exchange.id));
  std::string().swap(exchange.out);
  exchange.out_at = 0;
  if (!exchange.finished) {
    exchange.deferred = size == 0;
    if (exchange.deferred) return NGHTTP2_ERR_DEFERRED;
    return static_cast<ssize_t>(size);
  }
  *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
  const Trailer last(exchange.failure, exchange.asker.caller.request_id, false);
  nghttp2_submit_trailer(session_, exchange.id, last.fields().data(), last.fields().size());
  return static_cast<ssize_t>(size);
}

// What has been read may be sent again.
void Connection::grant(Exchange& exchange) {
  if (exchange.not_granted > 0) nghttp2_session_consume_stream(session_, exchange.id, exchange.not_granted);
  exchange.not_granted = 0;
}

void Connection::hold(Exchange& exchange, size_t bytes) {
  exchange.held += bytes;
  shared_.held.fetch_add(bytes, std::memory_order_relaxed);
}

void Connection::let_go(Exchange& exchange, size_t bytes) {
  exchange.held -= bytes;
  shared_.held.fetch_sub(bytes, std::memory_order_relaxed);
}

// Endings.

// The client hears that it should go elsewhere; what it sends while others are being answered is answered too.
void Connection::drain() {
  const auto self = shared_from_this();
  on_events(EPOLLIN);  // what has come is answered
  answer_gathered(home_);
  if (leaving_ || descriptor_ < 0) return;
  leaving_ = true;
  nghttp2_submit_shutdown_notice(session_);
  std::vector<ExchangePtr> all;
  for (const auto& [id, exchange] : exchanges_) all.push_back(exchange);
  for (const auto& exchange : all)
    if (exchange->entry != nullptr && exchange->entry->method.stream) answer_stream(exchange);
  flush();
}

void Connection::beat(Micros now) {
  const auto self = shared_from_this();
  if (parted_) {
    if (now - used_ > kPartingTime) close();
    return;
  }
  if (!greeted_ && now - began_ > kGreetingTime) return close();
  if (stuck_ > 0 && now - stuck_ > kPieceTime) return close();
  if (asked_ > 0 && now - asked_ > limits::grpc_keepalive_timeout_ms * 1'000) return close();
  std::vector<ExchangePtr> slow;
  for (const auto& [id, exchange] : exchanges_)
    if (!exchange->refused && exchange->entry != nullptr && !exchange->said_all && now - exchange->heard > kPieceTime &&
        (exchange->reader.amid() || !exchange->entry->method.stream))
      slow.push_back(exchange);
  for (const auto& exchange : slow)
    refuse(exchange,
           Error{Code::timeout, fmt::format("nothing more of the message came for {} s", kPieceTime / kSecond)});
  if (asked_ == 0 && now - heard_ > limits::grpc_keepalive_ms * 1'000) {
    asked_ = now;
    nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  }
  if (exchanges_.empty() && now - used_ > Micros{limits::grpc_idle_ms} * 1'000)
    nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
  flush();
}

}  // namespace millrace::api::rpc
