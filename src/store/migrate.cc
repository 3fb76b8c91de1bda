#include "store/migrate.h"

#include <fmt/format.h>

namespace millrace::store {

Result<void> check_known(int64_t have, std::span<const Migration> all) {
  const int64_t newest = all.empty() ? 0 : all.back().number;
  if (have <= newest) return {};
  return Error{Code::unsupported, fmt::format("the store has schema {}, this program knows up to {}", have, newest)}
      .hint("use the newer millrace that wrote this state folder");
}

}  // namespace millrace::store
