// What an import found: counts and digests of both sides, what was refused, what differs.
#pragma once
#include <string>

#include "core/error.h"
#include "core/hash.h"
#include "core/json.h"
#include "exchange/facts.h"

namespace millrace::exchange {

// Not thread-safe. Lists are cut at limits::exchange_complaints; numbers are not.
class ImportReport {
 public:
  void count(const Facts& source) { source_ += source.counts; }
  void count(const Counts& source) { source_ += source; }
  void refuse(const std::string& kind, const std::string& id, const Error& why);
  void unchanged() { ++unchanged_; }
  // One thing on both sides, always in the same order. A digest "" = it is not there.
  void compare(const std::string& kind, const std::string& id, const std::string& source, const std::string& here);
  void count_here(const Counts& counts) { here_ += counts; }

  bool ok() const { return refused_ == 0 && differing_ == 0; }
  Json to_json(bool dry_run);

 private:
  Counts source_, here_;
  Json refusals_ = Json::array(), differences_ = Json::array();
  int64_t refused_ = 0, differing_ = 0, unchanged_ = 0, equal_ = 0;
  Sha256 source_digest_, here_digest_;
};

}  // namespace millrace::exchange
