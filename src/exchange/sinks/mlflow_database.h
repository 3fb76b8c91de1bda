// A new MLflow SQLite database. One thing is one transaction.
#pragma once
#include <memory>
#include <string>

#include "exchange/sinks/sink.h"
#include "store/database.h"

struct sqlite3;

namespace millrace::exchange {

class MlflowDatabase final : public Sink {
 public:
  // Makes FOLDER/mlflow.db, or goes on with one that was made here; `conflict` for another program's. Artifacts are in
  // FOLDER/artifacts.
  static Result<std::unique_ptr<MlflowDatabase>> open(const std::string& folder);
  ~MlflowDatabase() override;
  MlflowDatabase(const MlflowDatabase&) = delete;
  MlflowDatabase& operator=(const MlflowDatabase&) = delete;

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
  MlflowDatabase(std::string folder, sqlite3* database) : folder_(std::move(folder)), database_(database) {}
  Result<void> make();
  Result<void> script(const std::string& sql);
  Result<store::Rows> query(const std::string& sql, const store::Values& values);
  Result<void> execute(const std::string& sql, const store::Values& values);
  Result<void> as_one(const std::function<Result<void>()>& work);
  Result<void> put_rows(const track::Run& run);
  Result<void> put_inputs(const track::Run& run);

  std::string folder_;
  sqlite3* database_;
};

}  // namespace millrace::exchange
