// Length-prefixed messages of gRPC over HTTP/2: a byte that says whether it is compressed, four that say how long it
// is.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace millrace::api::rpc {

inline constexpr size_t kPrefix = 5;

// Cuts a stream of bytes into messages.
class MessageReader {
 public:
  // Takes bytes from the front of `bytes`; a message when one is whole, nothing when more must come. `unsupported` for
  // a compressed one, `too_large` beyond limits::inference_body_bytes: nothing is to be read afterwards.
  Result<std::optional<std::string>> read(std::string_view& bytes);
  bool amid() const { return have_ > 0; }  // a message has begun and is not whole

 private:
  std::array<unsigned char, kPrefix> prefix_;
  size_t have_ = 0;  // bytes of the prefix
  size_t size_ = 0;
  std::string message_;
};

// Writes the prefix of the message that follows `at` + kPrefix to the end of `out`.
void set_prefix(std::string& out, size_t at);

// "250m" of the header grpc-timeout in microseconds; nothing when it is none.
std::optional<int64_t> read_timeout(std::string_view text);

}  // namespace millrace::api::rpc
