// Searches of registered models and of versions as SQL with bound values. The order is total: it ends with the name
// (and the number), so a page goes on after the key of the last row of the page before.
#pragma once
#include <string>
#include <vector>

#include "registry/models/keys.h"
#include "registry/models/registered.h"
#include "store/database.h"

namespace millrace::registry {

struct FoundKeys {
  std::vector<VersionKey> keys;  // of models: the number is 0
  std::string next;              // token of the next page, "" = this is the last
};

// How many entries with a tag, run, source or name are worth looking at one by one instead of all in order; smaller
// ones let tests go both ways.
struct Leads {
  size_t few = 2'000;
};

enum class Searched { models, versions };
Result<FoundKeys> find_keys(store::Session& session, const std::string& workspace, Searched what,
                            const RegistrySearch& search, const Leads& leads = {});

}  // namespace millrace::registry
