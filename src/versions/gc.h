// Objects that nothing names any more. First everything that can be reached is marked; then what is not marked and has
// lain for a while is removed: files one by one, packs when nothing in them is left or when most of them is garbage.
#pragma once
#include "versions/reach.h"

namespace millrace::versions {

struct Garbage {
  int64_t objects = 0, bytes = 0;  // that nothing names
  int64_t kept_young = 0;          // of them, too young to go
  int64_t live = 0;                // objects that are named
  int64_t removed_files = 0;       // loose objects and packs that were removed
  int64_t rewritten_packs = 0;     // whose living half was kept
  int64_t freed_bytes = 0;
  int64_t leftovers = 0;  // folders of writers that died
};

enum class Collecting { look, remove };
// The caller holds lock_for_change(), and lock_objects() alone: nobody adds or reads meanwhile. `idle` is how long an
// object must have lain. `not_found` or `corrupt` when something that is named cannot be walked: then nothing is
// removed.
Result<Garbage> collect_garbage(Workspace& workspace, Collecting what, Micros idle);

}  // namespace millrace::versions
