#include "api/coded.h"

#include "core/codes/content_coding.h"

namespace millrace::api {
namespace {

constexpr size_t kRoom = 64;        // as Request::body says
constexpr size_t kLeast = 1 << 10;  // a smaller answer is one packet anyway
constexpr size_t kMost = 8 << 20;   // a larger one would hold up the network thread

}  // namespace

Result<void> unpack_body(Request& request, size_t limit) {
  MILLRACE_TRY(const auto coding, parse_coding(request.header("content-encoding")));
  if (coding == Coding::identity) return {};
  MILLRACE_TRY(request.body, decode(coding, request.body, limit, kRoom));
  return {};
}

void pack_answer(const Request& request, Reply& reply) {
  if (reply.stream || reply.body.size() < kLeast || reply.body.size() > kMost) return;
  const auto coding = best_coding(request.header("accept-encoding"));
  if (coding == Coding::identity) return;
  auto packed = encode(coding, reply.body);
  if (!packed || packed->size() >= reply.body.size()) return;
  reply.body = std::move(*packed);
  reply.headers.emplace_back("Content-Encoding", std::string(name_of(coding)));
  reply.headers.emplace_back("Vary", "Accept-Encoding");
}

}  // namespace millrace::api
