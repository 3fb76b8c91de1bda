// Numbers that follow from each other: each column as a quadratic form of up to three others, learned on the history.
#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "data/cause/look.h"
#include "data/samples/relation.h"

namespace millrace::data::cause {
namespace {

constexpr size_t kRowsABatch = 600;
constexpr size_t kColumns = 24;
constexpr double kStable = 0.12;  // share of residuals outside in any batch of history, learned without it
constexpr double kMargin = 3;
constexpr double kFloor = 0.06;
constexpr double kShiftMargin = 2;
constexpr double kShiftFloor = 0.3;  // of the spread of the residuals

// Rows of every batch, thinned evenly.
struct Sample : RelationSample {
  std::vector<size_t> columns;  // of the frame
};

Sample sample_of(const Look& look) {
  const auto& frame = look.frame;
  Sample out;
  out.suspect = frame.suspect;
  std::vector<size_t> size(frame.batches.size(), 0), seen(size);
  for (const auto batch : frame.batch) ++size[batch];
  std::vector<size_t> rows;
  for (size_t r = 0; r < frame.rows(); ++r) {
    const size_t batch = frame.batch[r], step = std::max<size_t>(1, size[batch] / kRowsABatch);
    if (batch <= frame.suspect && seen[batch]++ % step == 0) rows.push_back(r), out.group.push_back(frame.batch[r]);
  }
  for (size_t c = 0; c < frame.columns.size() && out.columns.size() < kColumns; ++c) {
    const auto& column = frame.columns[c];
    if (!column.number || !column.is_evidence() || column.texts.size() <= 10 || column.clock) continue;
    std::vector<double> values;
    for (const size_t r : rows) values.push_back(column.numbers[r]);
    out.columns.push_back(c);
    out.add(values);
  }
  return out;
}

struct Judged {
  std::vector<std::string> names;
  std::vector<Residuals> usual;  // of each batch of history, learned without it
  Residuals now;
};

std::string others_text(const Judged& judged) {
  return fmt::format("{}", fmt::join(judged.names.begin() + 1, judged.names.end(), ", "));
}

void judge_share(Look& look, const Judged& judged) {
  const auto& frame = look.frame;
  std::vector<double> usual;
  for (const auto& one : judged.usual) usual.push_back(one.share);
  if (limit_of(usual, 1, 0) > kStable) return;
  look.consider({.kind = "broken_relation",
                 .columns = judged.names,
                 .value = judged.now.share,
                 .limit = limit_of(usual, kMargin, kFloor)},
                [&] {
                  return fmt::format(
                      "{} of the rows of {} no longer fit how {} followed from {} in the {} batches before "
                      "(at most {} in any of those)",
                      percent_text(judged.now.share), frame.batches[frame.suspect].node(), judged.names[0],
                      others_text(judged), frame.history(), percent_text(limit_of(usual, 1, 0)));
                });
}

// `scale` turns the sample's unit into the column's own.
void judge_shift(Look& look, const Judged& judged, double scale) {
  const auto& frame = look.frame;
  std::vector<double> usual;
  for (const auto& one : judged.usual) usual.push_back(std::abs(one.shift));
  look.consider({.kind = "broken_relation",
                 .columns = judged.names,
                 .value = scale * std::abs(judged.now.shift),
                 .limit = scale * limit_of(usual, kShiftMargin, kShiftFloor * judged.now.spread)},
                [&] {
                  return fmt::format(
                      "{} lies {} off what follows from {} as learned from the {} batches before (median of {}; at "
                      "most {} in any of those)",
                      judged.names[0], number_text(scale * judged.now.shift), others_text(judged), frame.history(),
                      frame.batches[frame.suspect].node(), number_text(scale * limit_of(usual, 1, 0)));
                });
}

void judge(Look& look, const Sample& sample, const RelationForm& form) {
  const auto& frame = look.frame;
  Judged judged;
  for (size_t b = 0; b < frame.history(); ++b)
    if (const auto one = residuals_of(sample, form, b)) judged.usual.push_back(*one);
  const auto now = residuals_of(sample, form, frame.suspect);
  if (judged.usual.size() < 2 || !now) return;
  judged.now = *now;
  judged.names.push_back(frame.columns[sample.columns[form.target]].name);
  for (const size_t other : form.others) judged.names.push_back(frame.columns[sample.columns[other]].name);
  judge_share(look, judged);
  judge_shift(look, judged, sample.scales[form.target]);
}

}  // namespace

void look_at_relations(Look& look) {
  if (look.frame.history() < 2) return;
  const auto sample = sample_of(look);
  for (size_t target = 0; target < sample.columns.size(); ++target)
    if (const auto form = find_relation(sample, target)) judge(look, sample, *form);
}

}  // namespace millrace::data::cause
