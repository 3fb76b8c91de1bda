// The states of an alert and what a look does to them. Pure: a stored alert and a judgement in, the next move out.
//
//   (none) --breaks--> pending --for looks in a row--> firing --a person--> acknowledged
//                         |                               |                      |
//                         +--holds again: quietly---------+--- resolved ---------+
//
//  - A look is one window at one moment: (from, as_of, revision), in this order. An alert counts each look once; a look
//    that its key's newest alert has counted, or one before it, changes nothing. So the same looks again, in a process
//    that died between two moves, come to the same alerts.
//  - `for` counts looks in a row. A new revision of a look (late labels) corrects that look and is no further one.
//  - Pending ends quietly when the rule holds again; an undecided look (too few rows) neither counts nor ends it.
//  - Firing and acknowledged alerts keep the newest period that broke the rule. They are resolved
//      by a later complete window in which the rule holds in the clear (a tenth inside the limit: rules.h);
//      by a new revision of the newest broken look in which the rule holds, in the clear or not: it never broke;
//      by a complete look in which nothing watches the key any more (the rule is gone, the version off the arm);
//      by a person, with a reason, at any time, also while pending.
//  - The severity rises from warn to page and never falls while the alert is open.
//  - What fires on in a later window is traced again there. With another cause (a cause where there was none, another
//  one,
//    none any more) it is another story: the alert is resolved and a new one, firing from that look on, takes its
//    place.
//  - A resolved alert stays resolved: when its rule breaks again in a later look, that is a new alert. An older window
//    that turns out to have broken the rule only now (labels came late) is an alert of its own if no alert covers it.
#pragma once
#include <compare>
#include <optional>
#include <string>

#include "monitor/rules.h"

namespace millrace::monitor {

// Which look.
struct Moment {
  Micros from = 0, as_of = 0;
  int64_t revision = 0;
  friend auto operator<=>(const Moment&, const Moment&) = default;
};

struct StoredAlert {
  Alert alert;
  Moment last;                // the look that counted last
  int64_t in_row = 0;         // looks that broke the rule in a row, while pending
  std::string responded;      // severity that was responded to, "" = not yet
  Micros responded_from = 0;  // beginning of the window in which it was
  std::string cause_kind;     // of the trace: data, source, code ...; "" without a cause

  AlertKey key() const { return {alert.kind, alert.subject, alert.arm, alert.version}; }
  std::string cause() const;  // node, "" without one
  bool is_open() const { return alert.state != "resolved"; }
  bool is_due() const;  // fired, and not responded to at its severity or in its newest window
};

struct LookFacts {
  Moment at;
  Micros to = 0;             // end of the window
  int64_t looks_needed = 1;  // `for`
  bool is_complete() const { return at.as_of >= to; }
};

enum class Step { none, open, count, fire, raise, resolve };
struct Move {
  Step step = Step::none;
  std::string why;
};

// `open` is the key's alert that is not resolved; `covered`: a resolved one has counted this look or a later one.
// `judgement` is nullptr when nothing watches the key. Ask again after each move until the answer is none.
Move next_move(const StoredAlert* open, bool covered, const Judgement* judgement, const LookFacts& look);

}  // namespace millrace::monitor
