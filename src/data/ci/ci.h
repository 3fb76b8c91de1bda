// What a check has found, in the forms that build servers read. Everything that comes from data or a contract is
// escaped for its form; values of masked columns are hidden already in the findings.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "data/check.h"

namespace millrace::data::ci {

struct Outcome {
  std::string contract;  // the contract's path, as it was given
  std::vector<CheckReport> reports;
  std::optional<Error> error;  // why there are none
};

// https://github.com/testmoapp/junitxml: a suite an object, a case a rule; a rule that was not run is skipped, an error
// is a case of its own.
std::string to_junit(const Outcome& outcome);

// SARIF 2.1.0: a result for each rule that does not hold, at its line of the contract; rows that break it are related
// locations. Paths below `root` are relative to it.
std::string to_sarif(const Outcome& outcome, const std::string& version, const std::string& root);

// Markdown for people: what does not hold, with examples; bounded, whatever was found.
std::string to_summary(const Outcome& outcome);

// GitHub's workflow commands, a line each: ::error file=...,line=...::...
std::vector<std::string> to_annotations(const Outcome& outcome, const std::string& root);

}  // namespace millrace::data::ci
