// Candidates for the cause of an alert, and their scores.
#pragma once
#include <string>
#include <vector>

#include "monitor/trace/upstream.h"

namespace millrace::monitor {

struct Candidate {
  std::string node, kind;  // data, code, params, environment, release, source
  std::string dataset;
  int64_t version = 0;
  std::vector<std::string> columns;
  std::string change;
  double score = 0;
  std::vector<std::string> path;
  std::vector<data::cause::Evidence> evidence;

  Json to_json(int64_t rank) const;
};

struct Examined {
  data::DatasetVersion version;
  data::cause::Examination found;
};

// What changed, strongest first; at most kTraceCandidates.
class CandidateFinder {
 public:
  CandidateFinder(const TraceParts& parts, const Caller& caller, const Question& question, const Upstream& upstream);
  Result<std::vector<Candidate>> find(const std::vector<Examined>& examined);

  // Names that can reach the alert, nearest first.
  const Upstream::Reach& reach() const { return reach_; }
  bool reaches(const std::string& column) const;

 private:
  void add_data(const Examined& examined, std::vector<Candidate>& out) const;
  Result<void> add_slices(const Examined& examined, Candidate& candidate) const;
  void add_changes(std::vector<Candidate>& out) const;
  Result<void> add_releases(std::vector<Candidate>& out) const;
  void add_rejected(std::vector<Candidate>& out) const;
  double reach_of(const Candidate& candidate) const;
  std::vector<std::string> path_of(const Candidate& candidate) const;

  const TraceParts& parts_;
  const Caller& caller_;
  const Question& question_;
  const Upstream& upstream_;
  Upstream::Reach reach_;
};

}  // namespace millrace::monitor
