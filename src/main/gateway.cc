#include <pwd.h>
#include <unistd.h>

#include "api/client.h"
#include "core/error_json.h"
#include "main/owner.h"

namespace millrace {
namespace {

Result<Json> json_of(int status, const std::string& body, const std::string& target) {
  MILLRACE_TRY(auto value, body.empty() ? Result<Json>(Json()) : parse_json(body, target));
  if (status >= 400) return error_of_json(value);
  return value;
}

class SocketGateway final : public cli::Gateway {
 public:
  explicit SocketGateway(std::unique_ptr<api::Client> client) : client_(std::move(client)) {}

  Result<Json> call(const std::string& method, const std::string& target, const Json& body) override {
    MILLRACE_TRY(const auto answer, client_->send(method, target, body.is_null() ? "" : to_text(body)));
    return json_of(answer.status, answer.body, target);
  }

  Result<std::string> text(const std::string& target) override {
    MILLRACE_TRY(auto answer, client_->send("GET", target, ""));
    if (answer.status < 400) return std::move(answer.body);
    MILLRACE_TRY(const auto problem, parse_json(answer.body, target));
    return error_of_json(problem);
  }

 private:
  std::unique_ptr<api::Client> client_;
};

class LocalGateway final : public cli::Gateway {
 public:
  explicit LocalGateway(const api::Dispatcher& dispatcher) : dispatcher_(dispatcher) {}

  Result<Json> call(const std::string& method, const std::string& target, const Json& body) override {
    MILLRACE_TRY(const auto reply, send(method, target, body.is_null() ? "" : to_text(body)));
    return json_of(reply.status, reply.body, target);
  }

  Result<std::string> text(const std::string& target) override {
    MILLRACE_TRY(auto reply, send("GET", target, ""));
    if (reply.status < 400) return std::move(reply.body);
    MILLRACE_TRY(const auto problem, parse_json(reply.body, target));
    return error_of_json(problem);
  }

 private:
  Result<api::Reply> send(const std::string& method, const std::string& target, std::string body) {
    api::Request request;
    request.method = method;
    MILLRACE_DO(api::split_target(target, request));
    request.body = std::move(body);
    request.body.reserve(request.body.size() + 64);
    return dispatcher_.dispatch(request, {.local = true, .local_subject = local_subject(), .via = "cli"});
  }

  const api::Dispatcher& dispatcher_;
};

}  // namespace

std::string local_subject() {
  const auto* user = ::getpwuid(::geteuid());
  return "local:" + (user != nullptr ? std::string(user->pw_name) : std::to_string(::geteuid()));
}

Result<std::unique_ptr<cli::Gateway>> connect_gateway(const std::string& socket) {
  MILLRACE_TRY(auto client, api::Client::connect_unix(socket));
  return std::unique_ptr<cli::Gateway>(std::make_unique<SocketGateway>(std::move(client)));
}

std::unique_ptr<cli::Gateway> local_gateway(const api::Dispatcher& dispatcher) {
  return std::make_unique<LocalGateway>(dispatcher);
}

}  // namespace millrace
