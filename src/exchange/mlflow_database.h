// A new MLflow SQLite database. One thing is one transaction: it is there whole or not at all. Used by one thread at a
// time.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "core/result.h"
#include "exchange/points.h"
#include "store/database.h"
#include "track/entities.h"

struct sqlite3;

namespace millrace::exchange {

class MlflowDatabase {
 public:
  // Makes it, or goes on with one that was made here; `conflict` for another program's.
  static Result<std::unique_ptr<MlflowDatabase>> open(const std::string& path);
  ~MlflowDatabase();
  MlflowDatabase(const MlflowDatabase&) = delete;
  MlflowDatabase& operator=(const MlflowDatabase&) = delete;

  // Replaces what is there of the same id. `location`: where its artifacts are.
  Result<void> put(const track::Experiment& experiment, const std::string& location);
  Result<bool> has_run(const std::string& id);
  // `each_key` hands over the points of one key after another.
  using Points = std::function<Result<void>(const std::string& key, const std::vector<Point>& points)>;
  Result<void> put(const track::Run& run, const std::string& location,
                   const std::function<Result<void>(const Points& take)>& each_key);
  Result<void> put(const track::LoggedModel& model, const std::string& location);

 private:
  explicit MlflowDatabase(sqlite3* database) : database_(database) {}
  Result<void> make();
  Result<void> script(const std::string& sql);
  Result<store::Rows> query(const std::string& sql, const store::Values& values);
  Result<void> execute(const std::string& sql, const store::Values& values);
  Result<void> as_one(const std::function<Result<void>()>& work);
  Result<void> put_rows(const track::Run& run, const std::string& location);
  Result<void> put_inputs(const track::Run& run);

  sqlite3* database_;
};

}  // namespace millrace::exchange
