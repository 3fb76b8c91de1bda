// Bytes of one HTTP/1.1 request (RFC 9112) to its head and body. Boost.Beast's parser decides what is a request; this
// only keeps what it finds, without a copy in between.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/http.h"

namespace millrace::api::front {

class RequestReader {
 public:
  // Takes a piece of the body; an error ends the reading.
  using Sink = std::function<Result<void>(std::string_view piece)>;

  RequestReader();
  ~RequestReader();
  RequestReader(RequestReader&&) noexcept;
  RequestReader& operator=(RequestReader&&) noexcept;

  struct Step {
    size_t used = 0;    // bytes of the input that are done with
    bool more = false;  // the rest must wait for more input
  };
  // Reads until the head is whole; the target is left to the caller. `too_large` when it is longer than
  // limits::http_header_bytes or has too many fields, `invalid` when it is no request.
  Result<Step> read_head(std::string_view bytes, Request& into);
  // Reads on until the body is whole. `invalid` when it is broken, or what the sink says.
  Result<Step> read_body(std::string_view bytes, const Sink& sink);

  bool has_head() const;
  bool is_done() const;               // head and body
  const std::string& target() const;  // as it was sent
  bool keep_alive() const;
  bool is_http_1_0() const;
  std::optional<uint64_t> content_length() const;
  bool body_follows() const;  // the head says that there is more to read

 private:
  class Parser;
  std::unique_ptr<Parser> parser_;
};

std::string_view reason_phrase(int status);  // "Not Found"

}  // namespace millrace::api::front
