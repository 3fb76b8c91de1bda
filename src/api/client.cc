#include "api/client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <fmt/format.h>

#include "api/server.h"
#include "core/limits.h"

namespace millrace::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

class BlockingClient final : public Client {
 public:
  explicit BlockingClient(std::string name) : name_(std::move(name)), socket_(io_) {}

  Result<void> connect(const asio::generic::stream_protocol::endpoint& endpoint) {
    boost::system::error_code error;
    socket_.connect(endpoint, error);
    if (error)
      return Error{Code::unavailable, fmt::format("cannot reach {}: {}", name_, error.message())}.hint(
          "is the server running? start it with: millrace up");
    return {};
  }

  Result<Answer> send(const std::string& method, const std::string& target, const std::string& body,
                      const Pairs& headers) override {
    http::request<http::string_body> request;
    request.method_string(method);
    request.target(target);
    request.version(11);
    request.set(http::field::host, "localhost");
    request.set(http::field::user_agent, "millrace");
    if (!body.empty()) request.set(http::field::content_type, "application/json");
    for (const auto& [name, value] : headers) request.set(name, value);
    request.body() = body;
    request.prepare_payload();
    boost::system::error_code error;
    http::write(socket_, request, error);
    if (error) return Error{Code::unavailable, fmt::format("the connection to {} broke: {}", name_, error.message())};
    http::response_parser<http::string_body> parser;
    parser.body_limit(limits::upload_bytes);
    http::read(socket_, buffer_, parser, error);
    if (error) return Error{Code::unavailable, fmt::format("{} gave no whole answer: {}", name_, error.message())};
    Answer answer{.status = static_cast<int>(parser.get().result_int())};
    for (const auto& field : parser.get())
      answer.headers.emplace_back(std::string(field.name_string().data(), field.name_string().size()),
                                  std::string(field.value().data(), field.value().size()));
    answer.body = std::move(parser.get().body());
    return answer;
  }

 private:
  std::string name_;
  asio::io_context io_;
  asio::generic::stream_protocol::socket socket_;
  beast::flat_buffer buffer_;
};

}  // namespace

Result<std::unique_ptr<Client>> Client::connect_unix(const std::string& path) {
  if (path.size() >= 108)
    return Error{Code::invalid, "the path of the socket is longer than 107 bytes"}.at({.file = path});
  auto client = std::make_unique<BlockingClient>(path);
  MILLRACE_DO(client->connect(asio::local::stream_protocol::endpoint(path)));
  return std::unique_ptr<Client>(std::move(client));
}

Result<std::unique_ptr<Client>> Client::connect_tcp(const std::string& host_port) {
  MILLRACE_TRY(const auto where, parse_host_port(host_port));
  auto client = std::make_unique<BlockingClient>(host_port);
  boost::system::error_code error;
  const auto address = asio::ip::make_address(where.host, error);
  MILLRACE_DO(client->connect(asio::ip::tcp::endpoint(address, where.port)));
  return std::unique_ptr<Client>(std::move(client));
}

std::string encode_path(std::string_view part) {
  std::string out;
  for (const char c : part) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace millrace::api
