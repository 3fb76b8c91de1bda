// Numbers that follow from each other.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "data/compare/look.h"
#include "data/samples/relation.h"

namespace millrace::data::compare {
namespace {

constexpr size_t kRows = 8'000;  // of each side
constexpr size_t kColumns = 24;
constexpr size_t kFewValues = 24;  // of a column: a grid, no measure
constexpr double kStable = 0.1;    // share of residuals outside in any block, learned without it
constexpr double kMargin = 4, kFloor = 0.06;
constexpr double kShiftMargin = 3, kShiftFloor = 1;  // of the spread of the residuals
constexpr double kCovered = 0.5;                     // of the batch's rows must lie where the form was learned

struct Numbers : RelationSample {
  std::vector<size_t> columns;  // of the sample
  std::vector<size_t> rows;
};

Numbers numbers_of(const Look& look) {
  const auto& sample = look.sample;
  Numbers out;
  out.suspect = sample.batch;
  const size_t before = sample.reference_rows / kRows + 1, now = sample.batch_rows() / kRows + 1;
  for (size_t r = 0; r < sample.rows(); ++r) {
    const bool is_reference = r < sample.reference_rows;
    if ((is_reference ? r % before : (r - sample.reference_rows) % now) != 0) continue;
    out.rows.push_back(r);
    out.group.push_back(sample.group[r]);
  }
  for (size_t c = 0; c < sample.columns.size() && out.columns.size() < kColumns; ++c) {
    const auto& column = sample.columns[c];
    if (column.kind != Kind::number || column.dated || column.texts.size() <= kFewValues ||
        column.label.starts_with("the hour of"))
      continue;
    std::vector<double> values;
    for (const size_t r : out.rows) values.push_back(column.numbers[r]);
    out.columns.push_back(c);
    out.add(values);
  }
  return out;
}

}  // namespace

void look_at_relations(Look& look) {
  const auto numbers = numbers_of(look);
  const size_t batch = look.sample.batch;
  for (size_t target = 0; target < numbers.columns.size(); ++target) {
    const auto form = find_relation(numbers, target);
    if (!form) continue;
    const auto now = residuals_of(numbers, *form, batch, true);
    if (!now || now->covered < kCovered) continue;
    std::vector<double> shares, shifts;
    for (size_t b = 0; b < batch; ++b)
      if (const auto one = residuals_of(numbers, *form, b, true))
        shares.push_back(one->share), shifts.push_back(std::abs(one->shift));
    if (shares.size() < 2 || limit_of(shares, 1, 0) > kStable) continue;
    std::vector<std::string> names;
    std::string others;
    for (const size_t c : form->others)
      others += (others.empty() ? "" : ", ") + look.sample.columns[numbers.columns[c]].label;
    names.push_back(look.sample.columns[numbers.columns[target]].name);
    for (const size_t c : form->others)
      if (const auto& name = look.sample.columns[numbers.columns[c]].name;
          std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(name);
    if (names.size() < 2) continue;
    const auto& label = look.sample.columns[numbers.columns[target]].label;
    const double scale = numbers.scales[target];
    const auto rows = static_cast<int64_t>(now->judged);
    look.consider({.kind = "relation",
                   .columns = names,
                   .value = now->share,
                   .limit = limit_of(shares, kMargin, kFloor) + kSigmas * share_error(limit_of(shares, 1, 0), rows),
                   .effect = now->share},
                  [&](Signal& signal) {
                    std::vector<char> bad(look.sample.rows(), 0);
                    for (const size_t i : now->rows) bad[numbers.rows[i]] = 1;
                    look.find_slice(signal, [&](size_t r) { return bad[r] != 0; });
                    signal.text = fmt::format(
                        "{} of the rows no longer fit how {} follows from {} in the reference (from block to block of "
                        "it at most {})",
                        percent_text(now->share), label, others, percent_text(limit_of(shares, 1, 0)));
                  });
    look.consider(
        {.kind = "relation",
         .columns = names,
         .value = scale * std::abs(now->shift),
         .limit = scale * (limit_of(shifts, kShiftMargin, kShiftFloor * now->spread) +
                           kSigmas * now->spread / std::sqrt(static_cast<double>(rows))),
         .effect = now->spread > 0 ? now->shift / now->spread : 0},
        [&](Signal& signal) {
          signal.text = fmt::format(
              "{} lies {} off what follows from {} in the reference (median; from block to block of it at most {})",
              label, number_text(scale * now->shift), others, number_text(scale * limit_of(shifts, 1, 0)));
        });
  }
}

}  // namespace millrace::data::compare
