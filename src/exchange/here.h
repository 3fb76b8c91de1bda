// The facts of what this server holds, read through tracking, to be compared with those of a source. Thread-safe.
#pragma once
#include <string>
#include <vector>

#include "core/caller.h"
#include "exchange/facts.h"
#include "exchange/sources/source_files.h"
#include "track/tracking.h"

namespace millrace::exchange {

class Here {
 public:
  Here(track::Tracking& tracking, Caller caller) : tracking_(tracking), caller_(std::move(caller)) {}

  // with_files: the artifacts that this server keeps of it count too.
  Result<Facts> run(const std::string& id, bool with_files) const;
  Result<Facts> model(const std::string& id, bool with_files) const;
  Result<Facts> experiment(const std::string& id) const;
  Result<MeasuredSet> measured(const std::string& model) const;

  // Settled points of one key.
  Result<std::vector<Point>> points(const std::string& run, const std::string& key) const;
  // Every file below an artifact folder that this server keeps ("" = it keeps none), with its digest.
  Result<std::vector<SourceFile>> files(const std::string& folder) const;

 private:
  Result<void> add_files(const std::string& top, const std::string& below, std::vector<SourceFile>& files) const;

  track::Tracking& tracking_;
  Caller caller_;
};

}  // namespace millrace::exchange
