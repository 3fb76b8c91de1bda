// Requests to move a protected alias or stage, and the moves that were made.
#pragma once
#include <string>

#include "core/clock.h"
#include "core/json.h"

namespace millrace::registry {

struct ChangeRequest {
  int64_t number = 0;
  std::string model, kind;  // kind: alias, stage
  std::string place;        // the alias, or the stage that the version is to stand in
  int64_t version = 0;      // 0: the alias is to be taken away
  bool archive = false;     // of a stage: what stands there now is archived
  Json before;              // what was there when it was asked for; a request holds for that alone
  Json digests;             // of the version then
  int64_t voices = 1;       // that are needed
  std::string role;         // that they need
  std::string author, via, why;
  Micros created_at = 0, expires_at = 0;
  std::string state;  // open, approved (but not carried out yet), done, rejected, withdrawn, expired, overtaken
  std::string closed_by, closed_why;
  Micros closed_at = 0;
  Json approvals = Json::array();  // {subject, why, at, covers, holds}

  std::string id() const;    // cr-7
  std::string node() const;  // request:cr-7
  Json to_json() const;
};

struct AliasMove {
  int64_t number = 0;   // of the alias's moves, or of the release
  int64_t version = 0;  // 0: it was taken away
  int64_t restores = 0;
  std::string subject, via, why;
  std::string request;  // that allowed it, or ""
  std::string release;  // that made it, or ""
  Micros at = 0;
  Json to_json() const;
};

struct StageMember {
  int64_t version = 0;
  std::string stage, subject, via, why, request;
  Micros at = 0;
  Json to_json() const;
};

}  // namespace millrace::registry
