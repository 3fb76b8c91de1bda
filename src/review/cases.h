// Cases: requests that a person decides instead of the model, because a rule of the deployment said so (see
// serve/cases/rules.h). The request path wrote them into the prediction log; here each becomes a review of kind `case`,
// once, and the person's answer a label of its prediction. A case's id is "case-" and that of its prediction.
#pragma once
#include <string>
#include <vector>

#include "core/caller.h"
#include "monitor/feedback.h"
#include "review/reviews.h"
#include "serve/cases/log.h"

namespace millrace::review {

struct CaseLabel {
  int64_t row = 0;
  int64_t label = 0;  // 0 or 1
};

// Thread-safe.
class Cases {
 public:
  // Finds a prediction in the logs (DataPlane::find_prediction).
  using Find = std::function<Result<Json>(const std::string& prediction_id)>;
  Cases(Reviews& reviews, monitor::Feedback& feedback, Find find)
      : reviews_(reviews), feedback_(feedback), find_(std::move(find)) {}

  // Opens the review of a case that the log tells of; nothing when there is one.
  Result<void> open(const serve::LoggedCase& logged, const std::string& request_id);

  // {id, state: open | decided, deployment, prediction_id, rule, rows, matched, release, arm, model, version, review,
  // opened_at, decision: {labels: [{row, label}], why, by, at} | null, outputs: what the model said, once it is decided
  // and where its log is here | null}. A case that the log has and no review yet is open.
  Result<Json> get(const std::string& workspace, const std::string& id) const;
  // {items, next}, newest first; `state` is open, decided or "".
  Result<Json> list(const std::string& workspace, const std::string& state, const std::string& after) const;

  // Closes the case and records the labels, in one transaction. `labels` has one for each of its rows; with `all`
  // instead, each row gets this one. Errors of Reviews::close, and `invalid` for rows that are not the case's.
  struct Answer {
    std::optional<int64_t> all;
    std::vector<CaseLabel> labels;
    std::string why;
  };
  Result<Json> decide(const Caller& caller, const std::string& id, const Answer& answer);

 private:
  Result<std::optional<Review>> find_review(const std::string& workspace, const std::string& id) const;
  Json shown(const Review& review, bool whole) const;

  Reviews& reviews_;
  monitor::Feedback& feedback_;
  const Find find_;
};

}  // namespace millrace::review
