#include "api/find/search.h"

#include <fmt/format.h>

#include "api/native/paging.h"
#include "api/native/routes.h"

namespace millrace::api::native {
namespace {

constexpr int64_t kUsual = 20, kMost = 100;

Result<Json> search(Services& s, const Request& in) {
  MILLRACE_TRY(const auto text, query_text(in, "q", limits::search_text_bytes));
  MILLRACE_TRY(const auto limit, query_integer(in, "limit", kUsual));
  if (text.empty()) return Error{Code::invalid, "the text to search for is missing"}.at_field("q").hint("?q=TEXT");
  if (limit < 1 || limit > kMost)
    return Error{Code::invalid, fmt::format("'limit' must be from 1 to {}, not {}", kMost, limit)}.at_field("limit");
  MILLRACE_TRY(const auto found,
               finding::search({s.database, s.data_plane}, in.caller, text, static_cast<size_t>(limit)));
  return page(found);
}

}  // namespace

Routes search_routes(Services& s) {
  return {{"GET", "/api/millrace/v1/search", Permission::read, kNoBody, "none", Run::worker,
           [&s](Request& in) { return answer(in, [&] { return search(s, in); }); },
           "Everything whose name, id or tag has ?q=TEXT, the best first."}};
}

}  // namespace millrace::api::native
