// Reviews: questions to people, and their answers. An item lists everything that the one question is about: alerts with
// one cause join one item, so that nobody is asked twice. Closing an item decides nothing about its alerts; they show
// it.
//
// Every change is one transaction: rows, a line of the journal (review.opened, review.joined, review.closed) and the
// graph: review:ID with an edge from each subject.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "core/json.h"
#include "lineage/journal.h"
#include "store/database.h"

namespace millrace::review {

// What to ask about. `subject` is a node.
struct Question {
  std::string kind;     // alert, case
  std::string key;      // requests with one key are one question
  std::string cause;    // node, "" when it is not known
  std::string subject;  // what is added to the item
  std::string summary;
  Json evidence = Json::object();
  Micros event_time = 0;  // 0 = now
};

struct Subject {
  std::string node, summary;
  Json evidence = Json::object();
  Micros joined_at = 0;  // event time
};

struct Review {
  std::string id;  // review-<uuid>
  std::string kind, key, cause, summary;
  std::string state;              // open, closed
  std::vector<Subject> subjects;  // in the order in which they joined
  Micros opened_at = 0;           // event time
  Micros recorded_at = 0;         // wall time
  std::string decision, why, by;  // once closed; decision: confirmed, dismissed, fixed; of a case: labelled
  Json answer;                    // of a decided case: [{row, label}]; else null
  Micros closed_at = 0;           // wall time, 0 = open

  std::string node() const { return "review:" + id; }
  Json to_json() const;
};

struct ReviewPage {
  std::vector<Review> items;  // newest first
  std::string next;           // "" = that was all
};

inline constexpr std::string_view kCase = "case", kAlert = "alert";

// How a case is closed (review/cases.h).
struct Labelled {
  std::string why;
  Json answer;  // [{row, label}]
};
// Changes rows beside it, in the same transaction; an error undoes both.
using Beside = std::function<Result<void>(store::Session& session, const Review& review)>;

// Thread-safe.
class Reviews {
 public:
  Reviews(store::Database& database, lineage::Journal& journal, Context& context)
      : database_(database), journal_(journal), context_(context) {}

  // The item about `question.key`: the open one, which the subject joins; else, where the cause is known and a person
  // has confirmed or dismissed exactly this cause, that closed one, which the subject joins without another question;
  // else a new one. A subject joins an item once. What was closed as fixed and shows again is asked again.
  Result<Review> open(const Caller& caller, const Question& question);

  // A unique prefix of the id, with or without "review:" or "review-", will do.
  Result<Review> get(const std::string& workspace, const std::string& name) const;
  // `state` is open, closed or ""; `before` an id: only older ones; `kind` "": of all.
  Result<ReviewPage> list(const std::string& workspace, const std::string& state, const std::string& before,
                          std::string_view kind = "") const;
  // The newest item with this key.
  Result<std::optional<Review>> find_by_key(const std::string& workspace, const std::string& key) const;
  // The newest item that a node is a subject of.
  Result<std::optional<Review>> find_of(const std::string& workspace, const std::string& node) const;

  // decision: confirmed, dismissed or fixed. `invalid` without a reason and for a case, `denied` without the role
  // writer, `conflict` when it is closed already, with who did it.
  Result<Review> close(const Caller& caller, const std::string& name, const std::string& decision,
                       const std::string& why);
  // Closes a case, by its id. Errors as above.
  Result<Review> close_case(const Caller& caller, const std::string& name, const Labelled& labelled,
                            const Beside& beside);

 private:
  struct Closing;
  Result<Review> close_as(const Caller& caller, const std::string& name, const Closing& closing);

  store::Database& database_;
  lineage::Journal& journal_;
  Context& context_;
};

}  // namespace millrace::review
