// Moves of labels and stages as rows: where they stand now, and every move that led there.
#pragma once
#include "registry/records.h"

namespace millrace::registry {

// What is kept of a move beside who made it.
struct MoveNote {
  std::string why, request;  // the request that allowed it, or ""
  int64_t restores = 0;      // of a rollback: the move that it went back to
  Micros at = 0;
};

// The version that a label stands for; 0 = there is no such label.
Result<int64_t> label_now(store::Session& session, const std::string& workspace, const std::string& model,
                          const std::string& alias);
// Version 0 takes the label away. Writes the row and its move.
Result<void> put_label(store::Session& session, const Caller& caller, const Alias& alias, const MoveNote& note);
Result<void> put_stage(store::Session& session, const Caller& caller, const StageMove& move, const MoveNote& note);
// The newest earlier move to another version that is still there. A rollback stands where the move stands that it went
// back to: who goes back from there goes further back. `rejected` when there is none.
struct FormerMove {
  int64_t number = 0, version = 0;
};
Result<FormerMove> former_move(store::Session& session, const std::string& workspace, const Alias& alias);
// Versions that stand in a stage now, in order.
Result<std::vector<int64_t>> versions_in(store::Session& session, const std::string& workspace,
                                         const std::string& model, const std::string& stage);

}  // namespace millrace::registry
