// A store of MLflow's that an export writes: a database, or a folder of its file store. One thing is there whole or not
// at all, and writing it again is fine. Used by one thread at a time.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "exchange/points.h"
#include "exchange/registered.h"
#include "track/entities.h"

namespace millrace::exchange {

class Source;

class Sink {
 public:
  virtual ~Sink() = default;

  // Hands over the points of one key after another.
  using Points = std::function<Result<void>(const std::string& key, const std::vector<Point>& points)>;
  using EachKey = std::function<Result<void>(const Points& take)>;

  // Replaces what is there of the same id. Places ("artifact_uri", "source") are those that location() gives.
  // `unsupported` for what this kind of store cannot hold.
  virtual Result<void> put(const track::Experiment& experiment) = 0;
  virtual Result<bool> has_run(const track::RunInfo& run) = 0;
  virtual Result<void> put(const track::Run& run, const EachKey& each_key) = 0;
  virtual Result<void> put(const track::LoggedModel& model) = 0;
  virtual Result<void> put(const Registered& model) = 0;
  virtual Result<void> put(const Version& version) = 0;

  // Where files belong that this server keeps at `folder` of its artifacts: their place on disk, and what the store
  // calls it. Valid for an experiment's folders once that was put.
  virtual std::string path(const std::string& folder) const = 0;
  virtual std::string location(const std::string& folder) const = 0;

  // What was written, to be compared, and the folders that its artifacts lie in.
  virtual Result<std::unique_ptr<Source>> read() const = 0;
  virtual std::vector<std::string> folders() const = 0;
};

}  // namespace millrace::exchange
