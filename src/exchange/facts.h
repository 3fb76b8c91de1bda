// What two stores must agree on: the content of an experiment, run or logged model in one canonical form. Its digest is
// the same on both sides when nothing was lost, added or changed.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/json.h"
#include "exchange/points.h"
#include "track/entities.h"

namespace millrace::exchange {

struct Counts {
  int64_t experiments = 0, runs = 0, points = 0, params = 0, tags = 0, datasets = 0, models = 0;
  int64_t registered = 0, versions = 0, aliases = 0;
  int64_t artifacts = 0, artifact_bytes = 0;
  Counts& operator+=(const Counts& other);
};

// The files of a run or model: number, bytes, and the digest of their list (path, size, digest).
struct Manifest {
  int64_t files = 0, bytes = 0;
  std::string digest;
};

struct Facts {
  Json content;
  Counts counts;
  std::string digest() const;
};

// Places that differ by nature (artifact URIs) are left out, ids of experiments are the ones here. `files` null: they
// do not count.
Facts facts_of(const track::Experiment& experiment);
Facts facts_of(track::Run run, const std::map<std::string, Series>& metrics, const Manifest* files);
Facts facts_of(track::LoggedModel model, const Manifest* files);

}  // namespace millrace::exchange
