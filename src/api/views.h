// Saved views of the web UI: filters, columns and orders of a page under a name. Each belongs to who saved it; a shared
// one is seen by all of the workspace.
#pragma once
#include <string>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "core/json.h"
#include "lineage/journal.h"
#include "store/database.h"

namespace millrace::api {

struct View {
  std::string id, page, name;
  Json state = Json::object();  // the page's own, at most limits::view_state_bytes
  std::string owner;
  bool shared = false;
  Micros updated_at = 0;
};

struct ViewPage {
  std::vector<View> items;  // by name
  int64_t total = 0;
};

// Thread-safe.
class Views {
 public:
  Views(store::Database& database, lineage::Journal& journal, Context& context)
      : database_(database), journal_(journal), context_(context) {}

  // The caller's own and shared ones of a page, or of all for "".
  Result<ViewPage> list(const Caller& caller, const std::string& page, int64_t skip, int64_t limit) const;
  // `conflict` when the caller has one of this name on the page, `denied` for a shared one by who may not write.
  Result<View> make(const Caller& caller, View view);
  // Only by its owner or an admin; `not_found` for others' that are not shared.
  Result<View> replace(const Caller& caller, View view);
  Result<void> remove(const Caller& caller, const std::string& id);

 private:
  store::Database& database_;
  lineage::Journal& journal_;
  Context& context_;
};

}  // namespace millrace::api
