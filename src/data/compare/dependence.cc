#include "data/compare/dependence.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "data/samples/value_codes.h"
#include "stats/histogram.h"
#include "stats/robust.h"

namespace millrace::data::compare {
namespace {

constexpr int64_t kBins = 12;
constexpr size_t kTexts = 30;
constexpr size_t kColumns = 40;
constexpr int64_t kLeastRows = 30;
constexpr double kLeastFit = 0.04;  // nats; less is no relation
constexpr double kDropShare = 0.35, kDropMargin = 1.6, kDropFloor = 0.02;
constexpr double kSeason = 0.2;          // nats that may go with a season or another timetable
constexpr double kMovedDistance = 0.35;  // a column that moved so far no longer says what its bins mean
constexpr double kExplains = 0.3;        // of the drop may remain
constexpr int kSlips = 3;
constexpr size_t kEnough = 20'000;

void bin_numbers(const Look& look, const Column& column, Binned& out) {
  std::vector<double> values;
  for (size_t r = 0; r < look.sample.reference_rows; ++r)
    if (std::isfinite(column.numbers[r])) values.push_back(column.numbers[r]);
  values = thinned(std::move(values), kEnough);
  std::sort(values.begin(), values.end());
  auto edges = stats::even_edges(values, kBins);
  std::vector<uint8_t> bins;
  for (size_t r = 0; r < look.sample.rows(); ++r)
    bins.push_back(
        column.is_null(r) || !edges
            ? Binned::no_bin
            : static_cast<uint8_t>(std::upper_bound(edges->begin(), edges->end(), column.numbers[r]) - edges->begin()));
  out.sizes.push_back(edges ? edges->size() + 1 : 1);
  out.edges.push_back(edges ? *std::move(edges) : std::vector<double>{});
  out.bins.push_back(std::move(bins));
}

void bin_texts(const Look& look, size_t c, Binned& out) {
  const auto& column = look.sample.columns[c];
  std::vector<size_t> order(column.texts.size());
  std::iota(order.begin(), order.end(), 0);
  std::vector<int64_t> rows;
  for (size_t v = 0; v < order.size(); ++v) rows.push_back(look.counts[c].in_reference(v));
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return rows[a] > rows[b]; });
  std::vector<uint8_t> bin_of_value(order.size(), kTexts);
  for (size_t i = 0; i < std::min(kTexts, order.size()); ++i) bin_of_value[order[i]] = static_cast<uint8_t>(i);
  std::vector<uint8_t> bins;
  for (size_t r = 0; r < look.sample.rows(); ++r)
    bins.push_back(column.codes[r] < 0 ? Binned::no_bin : bin_of_value[static_cast<size_t>(column.codes[r])]);
  out.sizes.push_back(kTexts + 1);
  out.edges.emplace_back();
  out.bins.push_back(std::move(bins));
}

struct Joint {
  size_t first = 0, second = 0;
  std::vector<double> both, left, right;
  double rows = 0;
  Joint(size_t a, size_t b) : first(a), second(b), both(a * b), left(a), right(b) {}
  void add(uint8_t a, uint8_t b) { both[a * second + b] += 1, left[a] += 1, right[b] += 1, rows += 1; }
  void change(const Joint& other, double sign) {
    for (size_t i = 0; i < both.size(); ++i) both[i] += sign * other.both[i];
    for (size_t i = 0; i < left.size(); ++i) left[i] += sign * other.left[i];
    for (size_t i = 0; i < right.size(); ++i) right[i] += sign * other.right[i];
    rows += sign * other.rows;
  }
};

struct Mean {
  double value = 0, error = 0;
};
// Mean of the reference's information over the rows that `of` counts.
Mean information(const Joint& reference, const Joint& of) {
  double sum = 0, squares = 0;
  for (size_t a = 0; a < of.first; ++a)
    for (size_t b = 0; b < of.second; ++b) {
      const double rows = of.both[a * of.second + b];
      if (rows == 0 || reference.left[a] == 0 || reference.right[b] == 0) continue;
      const double expected = reference.left[a] * reference.right[b] / reference.rows;
      const double one = std::log((reference.both[a * of.second + b] + 0.5) / (expected + 0.5));
      sum += rows * one, squares += rows * one * one;
    }
  if (of.rows < 1) return {std::nan(""), 0};
  const double mean = sum / of.rows;
  return {mean, std::sqrt(std::max(0.0, squares / of.rows - mean * mean) / of.rows)};
}

}  // namespace

Binned bin_columns(const Look& look) {
  Binned out;
  for (size_t c = 0; c < look.sample.columns.size() && out.columns.size() < kColumns; ++c) {
    const auto& column = look.sample.columns[c];
    if (column.dated || column.texts.size() < 2 || (column.kind == Kind::time && !column.derived)) continue;
    out.columns.push_back(c);
    if (column.kind == Kind::text)
      bin_texts(look, c, out);
    else
      bin_numbers(look, column, out);
  }
  return out;
}

Fit fit_of(const Look& look, const Binned& binned, size_t first, size_t second, const std::vector<uint8_t>* first_bins,
           const std::vector<uint8_t>* second_bins) {
  const auto& sample = look.sample;
  const auto &a = binned.bins[first], &b = binned.bins[second];
  const size_t n = binned.sizes[first], m = binned.sizes[second];
  Fit out;
  std::vector<Joint> groups(sample.batch + 1, Joint(n, m));
  for (size_t r = 0; r < sample.reference_rows; ++r)
    if (a[r] != Binned::no_bin && b[r] != Binned::no_bin) groups[sample.group[r]].add(a[r], b[r]);
  const auto &now_a = first_bins != nullptr ? *first_bins : a, &now_b = second_bins != nullptr ? *second_bins : b;
  for (size_t r = sample.reference_rows; r < sample.rows(); ++r)
    if (now_a[r] != Binned::no_bin && now_b[r] != Binned::no_bin) groups[sample.batch].add(now_a[r], now_b[r]);
  Joint all(n, m);
  for (size_t g = 0; g < sample.batch; ++g) all.change(groups[g], 1);
  if (all.rows < kLeastRows || groups[sample.batch].rows < kLeastRows) return out;
  std::vector<double> blocks;
  for (size_t g = 0; g < sample.batch; ++g) {
    if (groups[g].rows < kLeastRows / 2) continue;
    all.change(groups[g], -1);
    if (all.rows > 0) blocks.push_back(information(all, groups[g]).value);
    all.change(groups[g], 1);
  }
  if (blocks.size() < 2) return out;
  out.usual = stats::median(blocks);
  for (const double one : blocks) out.largest = std::max(out.largest, std::abs(one - out.usual));
  const auto now = information(all, groups[sample.batch]);
  out.now = now.value, out.error = now.error;
  out.usable = out.usual >= kLeastFit && !std::isnan(out.now);
  return out;
}

namespace {

double limit_of_drop(const Fit& fit, bool timed) {
  return std::max({kDropShare * fit.usual, kDropMargin * fit.largest, kDropFloor}) + kSigmas * fit.error +
         (timed ? kSeason : 0);
}

// A column whose own distribution went far away: its pairs say nothing of their own.
bool has_moved(const Look& look, const std::string& column) {
  return std::any_of(look.tested.begin(), look.tested.end(), [&](const Tested& one) {
    return one.kind == "distribution" && one.columns[0] == column && one.value > kMovedDistance;
  });
}

// Bins of `from`'s values of the batch on the bins of `to`; nothing when they are of different kinds.
std::optional<std::vector<uint8_t>> bins_as(const Look& look, const Binned& binned, size_t from, size_t to) {
  const auto &source = look.sample.columns[binned.columns[from]], &target = look.sample.columns[binned.columns[to]];
  if ((source.kind == Kind::text) != (target.kind == Kind::text) || source.derived || target.derived)
    return std::nullopt;
  auto out = binned.bins[to];
  if (source.kind != Kind::text) {
    const auto& edges = binned.edges[to];
    for (size_t r = look.sample.reference_rows; r < look.sample.rows(); ++r)
      out[r] =
          source.is_null(r)
              ? Binned::no_bin
              : static_cast<uint8_t>(std::upper_bound(edges.begin(), edges.end(), source.numbers[r]) - edges.begin());
    return out;
  }
  std::map<std::string, uint8_t> known;
  for (size_t r = 0; r < look.sample.reference_rows; ++r)
    if (target.codes[r] >= 0) known.emplace(target.texts[static_cast<size_t>(target.codes[r])], binned.bins[to][r]);
  for (size_t r = look.sample.reference_rows; r < look.sample.rows(); ++r) {
    if (source.codes[r] < 0) {
      out[r] = Binned::no_bin;
      continue;
    }
    const auto at = known.find(source.texts[static_cast<size_t>(source.codes[r])]);
    out[r] = at == known.end() ? static_cast<uint8_t>(kTexts) : at->second;
  }
  return out;
}

// How far the pairs of one or two columns fall short, with other bins for the batch.
double missing_fit(const Look& look, const Binned& binned, size_t column, size_t skip,
                   const std::vector<uint8_t>* bins) {
  double out = 0;
  for (size_t c = 0; c < binned.columns.size(); ++c) {
    if (c == column || c == skip ||
        look.sample.columns[binned.columns[c]].name == look.sample.columns[binned.columns[column]].name)
      continue;
    const auto fit = fit_of(look, binned, column, c, bins);
    if (fit.usable) out += std::max(0.0, fit.usual - fit.now);
  }
  return out;
}

}  // namespace

std::optional<Misplaced> find_misplaced(const Look& look, const std::string& name) {
  const auto binned = bin_columns(look);
  constexpr size_t kNone = SIZE_MAX;
  size_t place = kNone;
  for (size_t c = 0; c < binned.columns.size(); ++c)
    if (look.sample.columns[binned.columns[c]].name == name && !look.sample.columns[binned.columns[c]].derived)
      place = c;
  if (place == kNone) return std::nullopt;
  const double missing = missing_fit(look, binned, place, kNone, nullptr);
  if (missing < kDropFloor) return std::nullopt;
  std::optional<Misplaced> best;
  double least = kExplains * missing;
  for (int by = -kSlips; by <= kSlips; ++by) {
    if (by == 0 || look.sample.batch_step != 1) continue;
    auto bins = binned.bins[place];
    const auto first = static_cast<int64_t>(look.sample.reference_rows),
               last = static_cast<int64_t>(look.sample.rows());
    for (int64_t r = first; r < last; ++r) {
      const int64_t from = r + by;
      bins[static_cast<size_t>(r)] =
          from < first || from >= last ? Binned::no_bin : binned.bins[place][static_cast<size_t>(from)];
    }
    if (const double left = missing_fit(look, binned, place, kNone, &bins); left < least)
      least = left, best = Misplaced{.other = "", .slipped = by};
  }
  for (size_t other = 0; other < binned.columns.size(); ++other) {
    if (other == place) continue;
    const auto mine = bins_as(look, binned, other, place), theirs = bins_as(look, binned, place, other);
    if (!mine || !theirs) continue;
    const double now =
        missing_fit(look, binned, place, other, nullptr) + missing_fit(look, binned, other, place, nullptr);
    const double then =
        missing_fit(look, binned, place, other, &*mine) + missing_fit(look, binned, other, place, &*theirs);
    if (then < kExplains * now && then < least)
      least = then, best = Misplaced{.other = look.sample.columns[binned.columns[other]].name, .slipped = 0};
  }
  return best;
}

void look_at_dependence(Look& look) {
  const auto binned = bin_columns(look);
  for (size_t i = 0; i < binned.columns.size(); ++i)
    for (size_t j = i + 1; j < binned.columns.size(); ++j) {
      const auto &a = look.sample.columns[binned.columns[i]], &b = look.sample.columns[binned.columns[j]];
      if (a.name == b.name || has_moved(look, a.name) || has_moved(look, b.name)) continue;
      const auto fit = fit_of(look, binned, i, j);
      if (!fit.usable) continue;
      look.consider({.kind = "dependence",
                     .columns = {a.name, b.name},
                     .value = std::max(0.0, fit.usual - fit.now),
                     .limit = limit_of_drop(fit, look.sample.timed),
                     .effect = fit.now / fit.usual},
                    [&](Signal& signal) {
                      signal.text = fmt::format(
                          "{} and {} tell {} of what they told of each other in the reference ({} of {} nats)", a.label,
                          b.label, percent_text(std::max(0.0, fit.now / fit.usual)), number_text(fit.now),
                          number_text(fit.usual));
                    });
    }
}

}  // namespace millrace::data::compare
