// For tests only: tracking over a store of its own.
#pragma once
#include "lineage/journal.h"
#include "store/testing.h"
#include "track/tracking.h"

namespace millrace::testing {

struct Tracked {
  Store store;
  lineage::Journal journal{*store.database, store.world.context, "main", store.folder / "audit.head"};
  track::Tracking tracking{*store.database, journal, store.world.context, store.folder / "artifacts"};
  Caller ada{.workspace = "default", .subject = "local:ada", .roles = {"admin"}, .via = "mlflow", .request_id = "r1"};

  int64_t journal_lines() const { return store.number("SELECT count(*) FROM journal"); }
  track::Run run(const std::string& name = "", const std::string& experiment = "0") {
    store.world.clock.advance(1'000'000);
    auto made = tracking.create_run(
        ada, {.experiment_id = experiment, .name = name, .user_id = "ada", .start_time = 0, .tags = {}});
    EXPECT_TRUE(made) << made.error().text();
    return made ? *made : track::Run{};
  }
};

}  // namespace millrace::testing
