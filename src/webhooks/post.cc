#include "webhooks/post.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>

#include <fmt/format.h>

namespace millrace::webhooks {
namespace {

constexpr size_t kHead = 32 << 10, kBody = 16 << 10;

Error unreachable(std::string why) {
  return Error{Code::unavailable, "the receiver cannot be reached: " + std::move(why)};
}

// A socket that waits no longer than until its deadline.
class Connection {
 public:
  Connection(Context& context, Micros until) : context_(context), until_(until) {}
  ~Connection() {
    if (ssl_ != nullptr) ::SSL_free(ssl_);
    if (settings_ != nullptr) ::SSL_CTX_free(settings_);
    if (socket_ >= 0) ::close(socket_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Result<void> open(const Address& address) {
    socket_ = ::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_ < 0) return unreachable(std::strerror(errno));
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address.bytes), address.size) == 0) return {};
    if (errno != EINPROGRESS) return unreachable(std::strerror(errno));
    MILLRACE_DO(wait(POLLOUT));
    int problem = 0;
    socklen_t size = sizeof problem;
    ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &problem, &size);
    return problem == 0 ? Result<void>{} : Result<void>(unreachable(std::strerror(problem)));
  }

  Result<void> secure(const std::string& host) {
    settings_ = ::SSL_CTX_new(TLS_client_method());
    if (settings_ == nullptr) return tls_error();
    ::SSL_CTX_set_min_proto_version(settings_, TLS1_2_VERSION);
    ::SSL_CTX_set_verify(settings_, SSL_VERIFY_PEER, nullptr);
    if (::SSL_CTX_set_default_verify_paths(settings_) != 1) return tls_error();
    ssl_ = ::SSL_new(settings_);
    if (ssl_ == nullptr || ::SSL_set_fd(ssl_, socket_) != 1) return tls_error();
    if (::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl_), host.c_str()) != 1) {
      ::ERR_clear_error();
      if (::SSL_set1_host(ssl_, host.c_str()) != 1 || ::SSL_set_tlsext_host_name(ssl_, host.c_str()) != 1)
        return tls_error();
    }
    return each_try([&] { return ::SSL_connect(ssl_); });
  }

  Result<void> write(std::string_view bytes) {
    while (!bytes.empty()) {
      MILLRACE_TRY(const auto count,
                   some(
                       [&] {
                         return ssl_ != nullptr
                                    ? ::SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                    : static_cast<int>(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
                       },
                       POLLOUT));
      if (count == 0) return unreachable("the connection was closed");
      bytes.remove_prefix(count);
    }
    return {};
  }

  // 0 at the end.
  Result<size_t> read(char* into, size_t size) {
    return some(
        [&] {
          return ssl_ != nullptr ? ::SSL_read(ssl_, into, static_cast<int>(size))
                                 : static_cast<int>(::recv(socket_, into, size, 0));
        },
        POLLIN);
  }

 private:
  Result<void> wait(short what) {
    pollfd one{.fd = socket_, .events = what, .revents = 0};
    while (true) {
      const auto left = (until_ - context_.clock.steady()) / 1000;
      if (left <= 0) return Error{Code::timeout, "the receiver did not answer in time"};
      const int ready = ::poll(&one, 1, static_cast<int>(std::min<Micros>(left, 60'000)));
      if (ready > 0) return {};
      if (ready < 0 && errno != EINTR) return unreachable(std::strerror(errno));
    }
  }

  template <class Try>
  Result<size_t> some(Try attempt, short what) {
    while (true) {
      ::ERR_clear_error();
      const int count = attempt();
      if (count > 0) return static_cast<size_t>(count);
      if (ssl_ == nullptr) {
        if (count == 0) return size_t{0};
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return unreachable(std::strerror(errno));
        MILLRACE_DO(wait(what));
        continue;
      }
      const int problem = ::SSL_get_error(ssl_, count);
      if (problem == SSL_ERROR_ZERO_RETURN) return size_t{0};
      if (problem != SSL_ERROR_WANT_READ && problem != SSL_ERROR_WANT_WRITE) return tls_error();
      MILLRACE_DO(wait(problem == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT));
    }
  }

  template <class Try>
  Result<void> each_try(Try attempt) {
    MILLRACE_TRY(const auto done, some(attempt, POLLIN));
    return done > 0 ? Result<void>{} : Result<void>(tls_error());
  }

  Error tls_error() const {
    const auto verified = ssl_ == nullptr ? X509_V_OK : ::SSL_get_verify_result(ssl_);
    if (verified != X509_V_OK)
      return unreachable(fmt::format("its certificate is refused: {}", ::X509_verify_cert_error_string(verified)));
    char text[256] = "the connection was closed";
    if (const auto code = ::ERR_get_error(); code != 0) ::ERR_error_string_n(code, text, sizeof text);
    return unreachable(fmt::format("TLS: {}", text));
  }

  Context& context_;
  Micros until_;
  int socket_ = -1;
  SSL_CTX* settings_ = nullptr;
  SSL* ssl_ = nullptr;
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return out;
}

std::string joined_chunks(std::string_view bytes) {
  std::string out;
  while (true) {
    const auto line = bytes.find("\r\n");
    size_t size = 0;
    if (line == std::string_view::npos) return out;
    const auto [end, problem] = std::from_chars(bytes.data(), bytes.data() + line, size, 16);
    if (problem != std::errc() || size == 0) return out;
    bytes.remove_prefix(line + 2);
    out += bytes.substr(0, size);
    if (bytes.size() < size + 2) return out;
    bytes.remove_prefix(size + 2);
  }
}

struct Head {
  int status = 0;
  std::optional<size_t> length;
  bool chunked = false;
  size_t size = 0;  // with its empty line
};

Result<Head> read_head(std::string_view text) {
  Head out;
  out.size = text.find("\r\n\r\n") + 4;
  const auto line = text.substr(0, text.find("\r\n"));
  const auto number = line.substr(std::min<size_t>(9, line.size()), 3);
  const auto [end, problem] = std::from_chars(number.data(), number.data() + number.size(), out.status);
  if (!line.starts_with("HTTP/1.") || problem != std::errc() || out.status < 100 || out.status > 599)
    return Error{Code::invalid, "the receiver's answer is not HTTP"};
  const auto fields = lower(text.substr(0, out.size));
  if (const auto at = fields.find("\r\ncontent-length:"); at != std::string::npos) {
    auto value = std::string_view(fields).substr(at + 17);
    while (value.starts_with(' ')) value.remove_prefix(1);
    size_t length = 0;
    if (std::from_chars(value.data(), value.data() + value.size(), length).ec == std::errc()) out.length = length;
  }
  out.chunked = fields.find("\r\ntransfer-encoding: chunked") != std::string::npos;
  return out;
}

Result<Posted> read_answer(Connection& connection) {
  std::string text;
  std::optional<Head> head;
  char piece[8 << 10];
  while (true) {
    if (!head && text.find("\r\n\r\n") != std::string::npos) {
      MILLRACE_TRY(head, read_head(text));
      if (head->status < 200) {  // told to go on: the answer proper follows
        text.erase(0, head->size);
        head.reset();
        continue;
      }
    }
    if (head && (text.size() >= head->size + std::min(head->length.value_or(kBody), kBody) ||
                 (head->chunked && text.ends_with("0\r\n\r\n"))))
      break;
    if (!head && text.size() > kHead) return Error{Code::invalid, "the receiver's answer has too long a head"};
    auto count = connection.read(piece, sizeof piece);
    if (!count && !head) return std::move(count).error();
    if (!count || *count == 0) break;
    text.append(piece, *count);
  }
  if (!head) return Error{Code::invalid, "the receiver closed the connection without an answer"};
  auto body = text.substr(head->size);
  if (head->chunked) body = joined_chunks(body);
  return Posted{head->status, body.substr(0, kBody)};
}

}  // namespace

Result<Posted> post(const Target& target, const std::vector<Address>& addresses,
                    const std::vector<std::pair<std::string, std::string>>& headers, const std::string& body,
                    Context& context, Micros at_most) {
  const auto until = context.clock.steady() + at_most;
  Result<Posted> out = unreachable("it has no address");
  for (const auto& address : addresses) {
    Connection connection(context, until);
    if (auto opened = connection.open(address); !opened) {
      out = std::move(opened).error();
      continue;
    }
    if (target.tls) MILLRACE_DO(connection.secure(target.host));
    std::string head = fmt::format("POST {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n",
                                   target.path, target.authority, body.size());
    for (const auto& [name, value] : headers) head += fmt::format("{}: {}\r\n", name, value);
    MILLRACE_DO(connection.write(head + "\r\n" + body));
    return read_answer(connection);
  }
  return out;
}

}  // namespace millrace::webhooks
