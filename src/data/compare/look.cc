#include "data/compare/look.h"

#include <algorithm>
#include <cmath>

namespace millrace::data::compare {
namespace {

constexpr size_t kSliceColumns = 12;
constexpr size_t kSliceValues = 60;
constexpr size_t kSliceNumbers = 12;  // a number with more values is a measure
constexpr int64_t kSliceRows = 30;    // of each side
constexpr double kNearlyAll = 0.85;   // of the excess lies in the slice
constexpr double kLift = 4;           // times the excess share of the other rows
constexpr double kWhole = 0.8;        // a slice of so many rows is the batch
constexpr size_t kExamples = 5;

Counts counts_of(const Sample& sample, const Column& column, const std::vector<int64_t>& group_rows) {
  Counts out{.groups = sample.batch + 1};
  out.of.assign(column.texts.size() * out.groups, 0);
  out.present.assign(out.groups, 0);
  out.rows = group_rows;
  for (size_t r = 0; r < sample.rows(); ++r) {
    if (column.codes[r] < 0) continue;
    ++out.present[sample.group[r]];
    ++out.of[static_cast<size_t>(column.codes[r]) * out.groups + sample.group[r]];
  }
  return out;
}

}  // namespace

int64_t Counts::in_reference(size_t value) const {
  int64_t rows_of_value = 0;
  for (size_t g = 0; g + 1 < groups; ++g) rows_of_value += at(value, g);
  return rows_of_value;
}

Look::Look(const Sample& of) : sample(of), group_rows(of.batch + 1, 0) {
  for (const auto group : sample.group) ++group_rows[group];
  for (const auto& column : sample.columns) counts.push_back(counts_of(sample, column, group_rows));
  for (size_t c = 0; c < sample.columns.size(); ++c) {
    const auto& column = sample.columns[c];
    if (column.kind == Kind::time || column.derived || column.dated || (column.kind == Kind::number && !column.whole))
      continue;
    if (column.texts.size() < 2 ||
        column.texts.size() > (column.kind == Kind::number ? kSliceNumbers : 20 * kSliceValues))
      continue;
    SliceColumn slice{.column = c};
    for (size_t v = 0; v < counts[c].values(); ++v)
      if (counts[c].at(v, sample.batch) >= kSliceRows && counts[c].in_reference(v) >= kSliceRows)
        slice.codes.push_back(static_cast<int32_t>(v));
    std::stable_sort(slice.codes.begin(), slice.codes.end(), [&](int32_t a, int32_t b) {
      return counts[c].at(static_cast<size_t>(a), sample.batch) > counts[c].at(static_cast<size_t>(b), sample.batch);
    });
    if (slice.codes.size() > kSliceValues) continue;  // values of a measure, not names of groups
    if (!slice.codes.empty()) slices.push_back(std::move(slice));
  }
  std::stable_sort(slices.begin(), slices.end(), [&](const SliceColumn& a, const SliceColumn& b) {
    const auto& first = sample.columns[a.column];
    const auto& second = sample.columns[b.column];
    return std::pair(first.kind != Kind::text, first.texts.size()) <
           std::pair(second.kind != Kind::text, second.texts.size());
  });
  if (slices.size() > kSliceColumns) slices.resize(kSliceColumns);
}

void Look::consider(Signal signal, const std::function<void(Signal&)>& describe) {
  if (std::isnan(signal.value) || !(signal.limit > 0)) return;
  Tested one{signal.kind, signal.columns, signal.value, signal.limit, signal.effect, signal.p_value};
  const auto known = std::find_if(tested.begin(), tested.end(),
                                  [&](const Tested& t) { return t.kind == one.kind && t.columns == one.columns; });
  if (known == tested.end())
    tested.push_back(one);
  else if (one.ratio() > known->ratio())
    *known = one;
  if (signal.value <= signal.limit) return;
  describe(signal);
  signals.push_back(std::move(signal));
}

void Look::find_slice(Signal& signal, const std::function<bool(size_t)>& bad) const {
  std::vector<char> is_bad(sample.rows());
  int64_t before = 0, now = 0;
  for (size_t r = 0; r < sample.rows(); ++r) {
    is_bad[r] = bad(r) ? 1 : 0;
    (r < sample.reference_rows ? before : now) += is_bad[r];
  }
  const auto n = static_cast<double>(std::max<int64_t>(1, reference_rows())),
             m = static_cast<double>(std::max<int64_t>(1, batch_rows()));
  const double total = static_cast<double>(now) - static_cast<double>(before) / n * m;
  double best = 0;
  int32_t best_code = -1;
  size_t best_column = 0;
  for (const auto& slice : slices) {
    const auto& column = sample.columns[slice.column];
    if (std::find(signal.columns.begin(), signal.columns.end(), column.name) != signal.columns.end()) continue;
    std::vector<int64_t> old_bad(column.texts.size(), 0), new_bad(old_bad);
    for (size_t r = 0; r < sample.rows(); ++r)
      if (is_bad[r] && column.codes[r] >= 0)
        ++(r < sample.reference_rows ? old_bad : new_bad)[static_cast<size_t>(column.codes[r])];
    for (const int32_t code : slice.codes) {
      const auto v = static_cast<size_t>(code);
      const auto rows_now = static_cast<double>(counts[slice.column].at(v, sample.batch));
      const auto rows_before = static_cast<double>(counts[slice.column].in_reference(v));
      if (rows_now > kWhole * m) continue;
      const double excess = static_cast<double>(new_bad[v]) - static_cast<double>(old_bad[v]) / rows_before * rows_now;
      const double rest = std::max(0.0, total - excess);
      if (excess < kNearlyAll * total || excess / rows_now < kLift * rest / (m - rows_now)) continue;
      // The smallest slice that holds it all has the highest share.
      const double purity = excess / rows_now * (excess / total);
      if (purity > best * 1.02) best = purity, best_code = code, best_column = slice.column;
    }
  }
  if (best_code >= 0)
    signal.slice = Slice{sample.columns[best_column].name, sample.columns[best_column].shown(best_code)};
  for (size_t r = sample.reference_rows; r < sample.rows() && signal.rows.size() < kExamples; ++r)
    if (is_bad[r] && (best_code < 0 || sample.columns[best_column].codes[r] == best_code)) signal.rows.push_back(r);
}

double limit_of(const std::vector<double>& blocks, double margin, double floor) {
  double largest = 0;
  for (const double value : blocks)
    if (!std::isnan(value)) largest = std::max(largest, value);
  return std::max(floor, margin * largest);
}

double share_error(double p, int64_t n) {
  const double rows = static_cast<double>(std::max<int64_t>(1, n));
  return std::sqrt(std::max(p * (1 - p), 1 / rows) / rows);
}

double ks_error(int64_t n, int64_t m) {
  return std::sqrt(1 / static_cast<double>(std::max<int64_t>(1, n)) + 1 / static_cast<double>(std::max<int64_t>(1, m)));
}

}  // namespace millrace::data::compare
