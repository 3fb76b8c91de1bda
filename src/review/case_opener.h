// Follows the prediction logs and opens a review for each case in them: at once while the metadata store is there,
// later when it was away or the process was killed. How far it has come is kept beside each log, in cases.json; what it
// did and did not note is done again, which opens nothing twice.
#pragma once
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/context.h"
#include "review/cases.h"
#include "serve/data_plane.h"

namespace millrace::review {

class CaseOpener {
 public:
  struct Parts {
    serve::DataPlane& data_plane;
    Cases& cases;
    Context& context;
    std::string predictions_folder;  // of all deployments
  };
  explicit CaseOpener(Parts parts) : parts_(std::move(parts)) {}
  ~CaseOpener() { stop(); }

  // What the logs tell of now. The first error, once every deployment had its turn. Not while the thread runs.
  Result<void> catch_up();

  void start();
  void stop();  // idempotent
  void ask();   // a case was logged; from any thread, quick

 private:
  Result<void> follow(const std::string& deployment);
  Result<serve::CaseReading> reading_of(const std::string& deployment) const;
  std::string file_of(const std::string& deployment) const;
  void work();

  const Parts parts_;
  std::map<std::string, serve::CaseReading> readings_;  // of the one who reads
  std::mutex mutex_;                                    // guards the next two
  bool asked_ = false, stopping_ = false;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace millrace::review
