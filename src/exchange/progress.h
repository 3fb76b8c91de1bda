// How far the taking over of a source has come: one row a thing of the source, written with the thing. Thread-safe.
#pragma once
#include <optional>
#include <string>

#include "store/database.h"

namespace millrace::exchange {

struct Step {
  std::string target;  // its id here
  std::string state;   // begun, done
  std::string digest;  // of the source's content when it was taken, "" while begun
};

class Progress {
 public:
  Progress(const store::Database& database, std::string workspace, std::string source)
      : database_(database), workspace_(std::move(workspace)), source_(std::move(source)) {}

  // kind: experiment, run, model, registered, version (MODEL/NUMBER), stage (MODEL/NUMBER), alias (MODEL@ALIAS).
  Result<std::optional<Step>> find(const std::string& kind, const std::string& id) const;
  Result<void> note(store::Session& session, const std::string& kind, const std::string& id, const Step& step) const;

 private:
  const store::Database& database_;
  std::string workspace_, source_;
};

}  // namespace millrace::exchange
