// A new folder of MLflow's file store, as its package of version 3.17 writes it: FOLDER/mlruns with meta.yaml, metrics,
// params, tags, inputs, outputs, models and artifacts. A thing's meta.yaml is written last: without it there is no such
// thing.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "exchange/sinks/sink.h"

namespace millrace::exchange {

class MlrunsFolder final : public Sink {
 public:
  // Makes it, or goes on with one that was made here; `conflict` for another program's.
  static Result<std::unique_ptr<MlrunsFolder>> open(const std::string& folder);

  Result<void> put(const track::Experiment& experiment) override;
  Result<bool> has_run(const track::RunInfo& run) override;
  Result<void> put(const track::Run& run, const EachKey& each_key) override;
  Result<void> put(const track::LoggedModel& model) override;
  Result<void> put(const Registered& model) override;
  Result<void> put(const Version& version) override;
  std::string path(const std::string& folder) const override;
  std::string location(const std::string& folder) const override;
  Result<std::unique_ptr<Source>> read() const override;
  std::vector<std::string> folders() const override;

 private:
  explicit MlrunsFolder(std::string folder) : folder_(std::move(folder)) {}
  std::string store() const { return folder_ + "/mlruns"; }
  std::string experiment_folder(const std::string& id) const;
  Result<void> put_inputs(const track::Run& run, const std::string& folder) const;
  Result<void> put_dataset(const track::Run& run, const track::DatasetInput& input, const std::string& folder) const;

  std::string folder_;
  std::map<std::string, std::string> experiments_;  // where each that was put is: by id
};

}  // namespace millrace::exchange
