// How many rows a search has, whatever its order, page and limit.
#pragma once
#include <string>

#include "track/search/query.h"

namespace millrace::track {

Result<int64_t> count_ids(store::Session& session, const Subject& subject, const std::string& workspace,
                          const Search& search, const Leads& leads = {});

}  // namespace millrace::track
