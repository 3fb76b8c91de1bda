// The names under which several processes write to one store, and what is theirs alone in tables that all of them
// share.
#pragma once
#include <string>
#include <string_view>

#include "store/database.h"

namespace millrace::store {

// A Database that others write to as well is one of these too. The name is the same for every process over one state
// folder, of which there is one at a time.
class SharedStore {
 public:
  virtual ~SharedStore() = default;
  virtual const std::string& writer() const = 0;  // "" = it has no files of its own
};

// The name of something that needs this process's own files: name@writer. Who has a store alone keeps the name as it
// is.
std::string own_name(const Database& database, const std::string& name);
std::string plain_name(std::string_view own);                         // the name within
bool is_own_name(const Database& database, std::string_view stored);  // stored == own_name(its name within)

}  // namespace millrace::store
