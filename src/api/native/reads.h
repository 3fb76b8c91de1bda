// What routes that only read share.
#pragma once
#include <functional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "api/native/reply.h"

namespace millrace::api::native {

// For readers, answered on a worker thread, without a line in the journal.
inline Route read_route(const std::string& path, std::function<Result<Json>(const Request&)> work,
                        const std::string& summary) {
  return Route{"GET",
               path,
               Permission::read,
               kNoBody,
               "none",
               Run::worker,
               [work = std::move(work)](Request& in) { return answer(in, [&] { return work(in); }); },
               summary};
}

// ?from= or ?to= of two versions that are compared.
inline Result<int64_t> compared_version(const Request& request, const char* end) {
  if (!request.query_value(end))
    return Error{Code::invalid, fmt::format("'{}' is missing: two versions are compared", end)}.at_field(end).hint(
        "?from=1&to=2");
  return query_integer(request, end, 0);
}

}  // namespace millrace::api::native
