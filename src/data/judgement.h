// From counts to a report: what is the same whoever counted, an SQL engine or the row executor.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "data/check.h"
#include "data/checks/check_kind.h"
#include "data/plan.h"
#include "data/row_split.h"

namespace millrace::data {

inline constexpr size_t examples_shown = 5;
inline constexpr size_t slices_most = 10'000;

// Before anything is read: the rules as they will run, or why one cannot run on `engine`.
Result<void> settle_rules(const CheckRequest& request, const Object& object, std::string_view engine,
                          std::vector<Rule>& rules);

CheckReport begin_report(const CheckRequest& request, const Object& object, std::string engine);
// The two findings about the schema. With problems the batch is rejected, and nothing else is judged.
void judge_schema(const std::vector<SchemaProblem>& problems, CheckReport& report);

BatchFacts facts_of(const CheckRequest& request, const CheckReport& report, const std::vector<Rule>& rules);
Finding judge(const Rule& rule, const Outcome& outcome, int64_t rows);

// A rule once more in each slice: it holds when it holds in all of them. Slices come in any order.
class SliceJudge {
 public:
  explicit SliceJudge(Finding& finding) : finding_(finding) {}
  void add(Json slice, int64_t rows, const Outcome& outcome);
  void tell();  // the worst first, up to 20
 private:
  Finding& finding_;
  std::vector<std::pair<double, Json>> slices_;
};
Error too_many_slices(const Rule& rule);

bool wants_examples(const Finding& finding);
std::vector<std::string> example_columns(const Finding& finding, const Object& object);
Json example_value(Json value, bool masked);

// Rejects the batch when a rule fails that does so.
bool is_rejected(CheckReport& report);
bool acts_on_rows(const CheckReport& report);  // some rule that sets rows aside is broken
void accept(const Split& split, CheckReport& report);

}  // namespace millrace::data
