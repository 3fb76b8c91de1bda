// What another tracking server holds, read in place. Nothing is ever written to it.
// One reader at a time; a source that is written to meanwhile is read as it is at each call.
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

class Source {
 public:
  virtual ~Source() = default;

  // Names the source in progress and messages; no secrets: "sqlite:/path", "mlruns:/path".
  virtual const std::string& name() const = 0;
  // Folders below which its artifacts may lie, without being told others.
  virtual std::vector<std::string> artifact_folders() const = 0;
  // What of it is left out, for people.
  virtual Result<std::vector<std::string>> left_out() = 0;

  // Deleted ones too. Ids are the source's.
  virtual Result<std::vector<track::Experiment>> experiments() = 0;
  virtual Result<std::vector<std::string>> run_ids(const std::string& experiment) = 0;
  // All but metrics; the artifact URI is the source's. `corrupt` when it cannot be understood.
  virtual Result<track::Run> run(const std::string& experiment, const std::string& id) = 0;
  virtual Result<std::vector<std::string>> metric_keys(const track::RunInfo& run) = 0;
  // Every point, in no order, repeated ones as often as they are there. too_large over limits::exchange_points.
  virtual Result<std::vector<Point>> points(const track::RunInfo& run, const std::string& key) = 0;
  virtual Result<std::vector<std::string>> model_ids(const std::string& experiment) = 0;
  // All but metrics.
  virtual Result<track::LoggedModel> model(const std::string& experiment, const std::string& id) = 0;
  // Prompts too.
  virtual Result<std::vector<std::string>> registered_names() = 0;
  virtual Result<Registered> registered(const std::string& name) = 0;
  virtual Result<Version> version(const std::string& model, int64_t number) = 0;
};

// A folder of MLflow's file store. `invalid` when there is no experiment in it.
Result<std::unique_ptr<Source>> open_mlruns(const std::string& folder);

// `where`: the file of a SQLite database or sqlite:///FILE; postgresql://...; or a folder of MLflow's file store
// (mlruns), file:///FOLDER. `password`: as PostgresReader::open() takes it.
Result<std::unique_ptr<Source>> open_source(const std::string& where, const std::string& workspace,
                                            const std::string& password = "");

// The path that a URI without a host names ("file:///a%20b" -> "/a b"); a plain path is itself, made absolute against
// `base`; "" for any other scheme.
std::string local_path(const std::string& uri, const std::string& base);

}  // namespace millrace::exchange
