// What ends with a version, and how lines of the journal tell of tags and descriptions.
#pragma once
#include "registry/records.h"

namespace millrace::registry {

// Marks it deleted: its labels go with it, its tags stay, what it had frozen is free again, its digests may be
// registered anew.
Result<void> end_version(store::Session& session, const Caller& caller, const VersionEntry& version, Micros now);

// {key, before, after}: digests, "" = none.
Json tag_change(const std::vector<track::KeyValue>& before, const track::KeyValue& after);
Result<void> check_description(const std::string& description);

}  // namespace millrace::registry
