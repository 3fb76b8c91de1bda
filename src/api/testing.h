// For tests only: a server that knows no token.
#pragma once
#include <string>

#include "api/dispatch.h"

namespace millrace::testing {

class Nobody final : public api::Authenticator {
 public:
  Result<Caller> of_token(const std::string&, std::string_view) const override {
    return Error{Code::unauthenticated, "there are no tokens"};
  }
};

}  // namespace millrace::testing
