// A locked engine session in which NAME@VERSION are tables; for the commands that look into versions.
#pragma once
#include <memory>
#include <string>

#include "cli/data/data_words.h"
#include "engine/engine.h"
#include "versions/tables/tables.h"

namespace millrace::cli {

class TableSession {
 public:
  // Holds the objects against the collection of garbage for as long as it lives.
  static Result<std::unique_ptr<TableSession>> open(Invocation& in);
  ~TableSession();

  versions::Workspace& workspace() { return *workspace_; }
  versions::Tables& tables() { return *tables_; }
  // Each name as a view, then the lock: from there on SQL reads these files and nothing else.
  Result<engine::Engine*> start(const std::vector<versions::VersionName>& names);
  // Without names: only files that tables() has given out.
  Result<engine::Engine*> start() { return start({}); }

 private:
  TableSession() = default;
  versions::Descriptor reading_;
  std::optional<versions::Workspace> workspace_;
  std::string scratch_, spill_, blobs_;
  std::optional<versions::Tables> tables_;
  engine::Engines* engines_ = nullptr;
  std::unique_ptr<engine::Engine> session_;
};

}  // namespace millrace::cli
