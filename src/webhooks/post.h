// One POST over HTTP/1.1, with TLS where the target wants it: the certificate must be good and the host's own. Follows
// nothing, asks no proxy, keeps no connection.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "core/context.h"
#include "core/result.h"
#include "webhooks/target.h"

namespace millrace::webhooks {

struct Posted {
  int status = 0;
  std::string body;  // its beginning
};

// `unavailable` when nobody answers, `timeout` after `at_most`, `invalid` when the answer is not HTTP.
Result<Posted> post(const Target& target, const std::vector<Address>& addresses,
                    const std::vector<std::pair<std::string, std::string>>& headers, const std::string& body,
                    Context& context, Micros at_most);

}  // namespace millrace::webhooks
