#include "monitor/alert/moves.h"

#include <fmt/format.h>

namespace millrace::monitor {
namespace {

std::string day(Micros time) { return to_iso(time).substr(0, 10); }
std::string period(const LookFacts& look) { return fmt::format("{} to {}", day(look.at.from), day(look.to)); }
std::string text_of(const Judgement& judgement) { return string_or(judgement.evidence, "text", ""); }

Move while_pending(const StoredAlert& open, const Judgement& judgement, const LookFacts& look) {
  if (look.at == open.last && open.in_row >= look.looks_needed)
    return {Step::fire,
            open.in_row == 1 ? "the rule is broken" : fmt::format("broken in {} looks in a row", open.in_row)};
  if (look.at <= open.last) return {};
  if (judgement.verdict == Verdict::breaks) return {Step::count, "the rule is broken again"};
  if (judgement.verdict == Verdict::holds)
    return {Step::resolve, fmt::format("the rule holds again before it fired: {}", text_of(judgement))};
  return {};
}

Move while_firing(const StoredAlert& open, const Judgement& judgement, const LookFacts& look) {
  if (look.at <= open.last || look.at.from < open.alert.from) return {};
  if (judgement.verdict == Verdict::breaks) {
    if (judgement.severity == "page" && open.alert.severity == "warn")
      return {Step::raise, "it has become worse: " + text_of(judgement)};
    return {Step::count, "the rule is broken again"};
  }
  if (judgement.verdict == Verdict::undecided) return {};
  if (look.at.from == open.last.from && look.at.as_of == open.last.as_of)
    return {Step::resolve, fmt::format("revision {} of the window {} no longer breaks the rule: {}", look.at.revision,
                                       period(look), text_of(judgement))};
  if (look.is_complete() && judgement.clear)
    return {Step::resolve, fmt::format("the window {} is in the clear: {}", period(look), text_of(judgement))};
  return {};
}

}  // namespace

std::string StoredAlert::cause() const {
  const auto* cause = find(alert.trace, "cause");
  return cause == nullptr ? "" : string_or(*cause, "node", "");
}

bool StoredAlert::is_due() const {
  if (alert.state != "firing" && alert.state != "acknowledged") return false;
  return responded != alert.severity || responded_from != alert.from;
}

Move next_move(const StoredAlert* open, bool covered, const Judgement* judgement, const LookFacts& look) {
  if (open == nullptr)
    return judgement != nullptr && judgement->verdict == Verdict::breaks && !covered
               ? Move{Step::open, text_of(*judgement)}
               : Move{};
  if (judgement == nullptr)
    return look.is_complete() && look.at > open->last
               ? Move{Step::resolve, fmt::format("nothing watches this in the window {} any more", period(look))}
               : Move{};
  return open->alert.state == "pending" ? while_pending(*open, *judgement, look)
                                        : while_firing(*open, *judgement, look);
}

}  // namespace millrace::monitor
