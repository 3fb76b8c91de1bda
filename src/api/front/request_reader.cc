#include "api/front/request_reader.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/status.hpp>

#include <fmt/format.h>

#include "core/limits.h"

namespace millrace::api::front {
namespace {

namespace http = boost::beast::http;
using ErrorCode = boost::system::error_code;
using BeastView = boost::beast::string_view;

std::string_view view(BeastView text) { return {text.data(), text.size()}; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

}  // namespace

class RequestReader::Parser final : public http::basic_parser<true> {
 public:
  Parser() {
    header_limit(limits::http_header_bytes);
    body_limit(boost::none);  // our own limits: they differ by route
    eager(false);
  }

  Request* into = nullptr;
  const Sink* sink = nullptr;
  std::optional<Error> refused;  // why a callback stopped the parser
  bool http_1_0 = false;
  std::string target_text;

 private:
  void stop(Error error, ErrorCode& code) {
    refused = std::move(error);
    code = http::error::bad_value;
  }
  void on_request_impl(http::verb, BeastView method, BeastView target, int version, ErrorCode& code) override {
    http_1_0 = version == 10;
    into->method = view(method);
    if (target.size() > limits::http_target_bytes)
      return stop(Error{Code::too_large, "the address is too long"}.at_field("target"), code);
    target_text = view(target);
  }
  void on_response_impl(int, BeastView, int, ErrorCode& code) override { code = http::error::bad_method; }
  void on_field_impl(http::field, BeastView name, BeastView value, ErrorCode& code) override {
    if (into->headers.size() == limits::http_headers) return stop(Error{Code::too_large, "too many headers"}, code);
    into->headers.emplace_back(lower(view(name)), view(value));
  }
  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, ErrorCode&) override {}
  size_t take(BeastView piece, ErrorCode& code) {
    if (auto taken = (*sink)(view(piece)); !taken) return stop(std::move(taken).error(), code), size_t{0};
    return piece.size();
  }
  size_t on_body_impl(BeastView piece, ErrorCode& code) override { return take(piece, code); }
  void on_chunk_header_impl(uint64_t, BeastView, ErrorCode&) override {}
  size_t on_chunk_body_impl(uint64_t, BeastView piece, ErrorCode& code) override { return take(piece, code); }
  void on_finish_impl(ErrorCode&) override {}
};

RequestReader::RequestReader() : parser_(std::make_unique<Parser>()) {}
RequestReader::~RequestReader() = default;
RequestReader::RequestReader(RequestReader&&) noexcept = default;
RequestReader& RequestReader::operator=(RequestReader&&) noexcept = default;

Result<RequestReader::Step> RequestReader::read_head(std::string_view bytes, Request& into) {
  parser_->into = &into;
  Step step;
  while (!parser_->is_header_done()) {
    ErrorCode error;
    step.used += parser_->put(boost::asio::const_buffer(bytes.data() + step.used, bytes.size() - step.used), error);
    if (error == http::error::need_more) return step.more = true, step;
    if (!error) continue;
    if (parser_->refused) return std::move(*parser_->refused);
    const bool large = error == http::error::header_limit || error == http::error::buffer_overflow;
    return Error{large ? Code::too_large : Code::invalid,
                 fmt::format("not a request that we read: {}", error.message())};
  }
  return step;
}

Result<RequestReader::Step> RequestReader::read_body(std::string_view bytes, const Sink& sink) {
  parser_->sink = &sink;
  Step step;
  while (!parser_->is_done()) {
    if (step.used == bytes.size()) return step.more = true, step;
    ErrorCode error;
    step.used += parser_->put(boost::asio::const_buffer(bytes.data() + step.used, bytes.size() - step.used), error);
    if (error == http::error::need_more) return step.more = true, step;
    if (!error) continue;
    if (parser_->refused) return std::move(*parser_->refused);
    return Error{Code::invalid, fmt::format("the body is broken: {}", error.message())};
  }
  return step;
}

bool RequestReader::has_head() const { return parser_->is_header_done(); }
bool RequestReader::is_done() const { return parser_->is_done(); }
bool RequestReader::keep_alive() const { return parser_->keep_alive(); }
const std::string& RequestReader::target() const { return parser_->target_text; }
bool RequestReader::is_http_1_0() const { return parser_->http_1_0; }
std::optional<uint64_t> RequestReader::content_length() const {
  const auto length = parser_->content_length();
  return length ? std::optional<uint64_t>(*length) : std::nullopt;
}
bool RequestReader::body_follows() const {
  return parser_->is_header_done() && !parser_->is_done() &&
         (parser_->chunked() || parser_->content_length_remaining().value_or(0) > 0);
}

std::string_view reason_phrase(int status) { return view(http::obsolete_reason(http::int_to_status(status))); }

}  // namespace millrace::api::front
