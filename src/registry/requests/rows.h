// Requests as rows, and the rules of when one has its voices and what it holds for. Inside transactions.
#pragma once
#include "registry/records.h"
#include "registry/requests/protection.h"

namespace millrace::registry {

// The project's model, or for one that it does not name a model without gates under the section `registry`.
Result<ModelSpec> governing_spec(const Project* project, const std::string& model);

// A move of an alias or stage that somebody wants.
struct Wanted {
  std::string model, kind, place;  // as in ChangeRequest
  int64_t version = 0;
  bool archive = false;
  std::string why;
};

// A place as it is now, with who put it there and when, in words; what requests hold for.
struct PlaceNow {
  Json before;
  std::string told;  // "version 2 since 2026-01-02T..., by bob: better"
};
Result<PlaceNow> place_now(store::Session& session, const std::string& workspace, const Project* project,
                           const Wanted& wanted);

Result<ChangeRequest> get_request(store::Session& session, const std::string& workspace, const std::string& id,
                                  Micros now);
Result<std::vector<ChangeRequest>> load_requests(store::Session& session, const std::string& workspace,
                                                 const std::string& model, Micros now);
// The one for exactly this move that is open or approved.
Result<std::optional<ChangeRequest>> find_request(store::Session& session, const std::string& workspace,
                                                  const Wanted& wanted, Micros now);
Result<ChangeRequest> insert_request(store::Session& session, const Caller& caller, const ChangeRequest& request);
Result<void> add_voice(store::Session& session, const Caller& caller, const ChangeRequest& request,
                       const std::string& covered, const std::string& why, Micros now);
Result<void> close_request(store::Session& session, const Caller& caller, const ChangeRequest& request,
                           const std::string& state, const std::string& why, Micros now);

// Digest over all that an approval of this request covers now.
Result<std::string> covered_now(store::Session& session, const std::string& workspace, const ChangeRequest& request);
// Voices that count: for these digests, not the author's, those without a token once together.
int64_t voices_for(const ChangeRequest& request, const std::string& covered);

// In the transaction of the move itself: the request has its voices, has not expired, and what it was asked for is
// still there. Marks it done. "" is no request: fine.
Result<void> settle(store::Session& session, const Caller& caller, const Project* project, const std::string& id,
                    Micros now);
Error overtaken(const ChangeRequest& request, const PlaceNow& now);

}  // namespace millrace::registry
