// What happens in one slice only: the distribution or the nulls of a column there, less what happens in the other rows.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "data/compare/look.h"
#include "data/samples/conversion.h"
#include "data/samples/value_codes.h"
#include "stats/histogram.h"
#include "stats/robust.h"

namespace millrace::data::compare {
namespace {

constexpr int64_t kBins = 16;
constexpr double kDistanceFloor = 0.25, kSeason = 0.15, kDistanceMargin = 1.5, kDistanceError = 2.5;
constexpr double kBlockError = 1.2;  // of a block's distance that chance explains
constexpr double kNullFloor = 0.03, kNullMargin = 2;
constexpr int64_t kLeastRows = 50;
constexpr size_t kEnough = 20'000;

// Rows by (slice, group, bin); the last bin holds nulls.
struct Table {
  size_t groups = 0, bins = 0;
  std::vector<int64_t> counts;
  int64_t& at(size_t slice, size_t group, size_t bin) { return counts[(slice * groups + group) * bins + bin]; }
  int64_t at(size_t slice, size_t group, size_t bin) const { return counts[(slice * groups + group) * bins + bin]; }
};

struct Cell {
  std::vector<int64_t> bins;
  explicit Cell(size_t size) : bins(size, 0) {}
  int64_t present() const {
    int64_t out = 0;
    for (size_t b = 0; b + 1 < bins.size(); ++b) out += bins[b];
    return out;
  }
  int64_t rows() const { return present() + bins.back(); }
  double null_rate() const { return rows() > 0 ? static_cast<double>(bins.back()) / static_cast<double>(rows()) : 0; }
  void add(const Table& table, size_t slice, size_t group, int64_t sign = 1) {
    for (size_t b = 0; b < bins.size(); ++b) bins[b] += sign * table.at(slice, group, b);
  }
  void take(const Cell& other) {
    for (size_t b = 0; b < bins.size(); ++b) bins[b] -= other.bins[b];
  }
};

double gap(const Cell& a, const Cell& b) {
  const int64_t n = a.present(), m = b.present();
  if (n == 0 || m == 0) return 0;
  double out = 0, difference = 0;
  for (size_t i = 0; i + 1 < a.bins.size(); ++i) {
    difference += static_cast<double>(a.bins[i]) / static_cast<double>(n) -
                  static_cast<double>(b.bins[i]) / static_cast<double>(m);
    out = std::max(out, std::abs(difference));
  }
  return out;
}

std::vector<double> edges_of(const Look& look, const Column& column) {
  std::vector<double> values;
  for (size_t r = 0; r < look.sample.reference_rows; ++r)
    if (std::isfinite(column.numbers[r])) values.push_back(column.numbers[r]);
  values = thinned(std::move(values), kEnough);
  std::sort(values.begin(), values.end());
  auto edges = stats::even_edges(values, kBins);
  return edges ? *std::move(edges) : std::vector<double>{};
}

Table table_of(const Look& look, const SliceColumn& by, const Column& column, const std::vector<uint8_t>& bin_of_row,
               size_t bins) {
  Table out{.groups = look.sample.batch + 1, .bins = bins, .counts = {}};
  (void)column;
  const auto& names = look.sample.columns[by.column];
  std::vector<int32_t> index(names.texts.size(), -1);
  for (size_t s = 0; s < by.codes.size(); ++s) index[static_cast<size_t>(by.codes[s])] = static_cast<int32_t>(s);
  const size_t rest = by.codes.size();  // rows of no slice
  out.counts.assign((rest + 1) * out.groups * bins, 0);
  for (size_t r = 0; r < look.sample.rows(); ++r) {
    const int32_t code = names.codes[r];
    const size_t slice = code >= 0 && index[static_cast<size_t>(code)] >= 0
                             ? static_cast<size_t>(index[static_cast<size_t>(code)])
                             : rest;
    ++out.at(slice, look.sample.group[r], bin_of_row[r]);
  }
  return out;
}

// How much further a slice moved than the other rows.
struct Moved {
  double distance = 0, nulls = 0;
  int64_t n = 0, m = 0;  // rows of the slice with a value: before, now
  double null_before = 0, null_now = 0;
};
Moved moved(const Cell& slice_before, const Cell& slice_now, const Cell& rest_before, const Cell& rest_now) {
  Moved out{.n = slice_before.present(),
            .m = slice_now.present(),
            .null_before = slice_before.null_rate(),
            .null_now = slice_now.null_rate()};
  out.distance = gap(slice_before, slice_now) - gap(rest_before, rest_now);
  out.nulls = std::abs(out.null_now - out.null_before) - std::abs(rest_now.null_rate() - rest_before.null_rate());
  return out;
}

std::string conversion_in(const Look& look, const Column& column, const Column& by, int32_t code) {
  std::vector<double> before, now;
  for (size_t r = 0; r < look.sample.rows(); ++r)
    if (by.codes[r] == code && std::isfinite(column.numbers[r]))
      (r < look.sample.reference_rows ? before : now).push_back(column.numbers[r]);
  const auto found =
      find_conversion(stats::quantiles(before, conversion_shares), stats::quantiles(now, conversion_shares));
  return found && !found->name.empty() ? "; " + conversion_text(column.label, *found) : "";
}

void slice(Look& look, const SliceColumn& by, const Column& column, const Table& table, size_t s,
           const std::vector<Cell>& totals) {
  const size_t batch = look.sample.batch;
  const auto& names = look.sample.columns[by.column];
  Cell all(table.bins), reference(table.bins);
  for (size_t b = 0; b < batch; ++b) {
    reference.add(table, s, b);
    for (size_t i = 0; i < table.bins; ++i) all.bins[i] += totals[b].bins[i];
  }
  const auto judge = [&](size_t group) {
    Cell before = reference, now(table.bins), rest_before = all, rest_now = totals[group];
    now.add(table, s, group);
    if (group < batch) before.take(now), rest_before.take(totals[group]);
    rest_before.take(before), rest_now.take(now);
    return moved(before, now, rest_before, rest_now);
  };
  const auto now = judge(batch);
  std::vector<double> distances, nulls;
  for (size_t b = 0; b < batch; ++b) {
    const auto one = judge(b);
    if (one.m >= 8) distances.push_back(one.distance - kBlockError * ks_error(one.n, one.m));
    nulls.push_back(one.nulls - 2 * share_error(one.null_before, one.m));
  }
  const int32_t code = by.codes[s];
  const Slice where{names.name, names.shown(code)};
  const auto examples = [&](Signal& signal, const std::function<bool(size_t)>& wanted) {
    for (size_t r = look.sample.reference_rows; r < look.sample.rows() && signal.rows.size() < 5; ++r)
      if (names.codes[r] == code && wanted(r)) signal.rows.push_back(r);
  };
  if (column.kind == Kind::number && now.n >= kLeastRows && now.m >= kLeastRows)
    look.consider(
        {.kind = "slice_distribution",
         .columns = {column.name},
         .value = now.distance,
         .limit = limit_of(distances, kDistanceMargin, kDistanceFloor) + (look.sample.timed ? kSeason : 0) +
                  kDistanceError * ks_error(now.n, now.m),
         .slice = where,
         .effect = now.distance},
        [&](Signal& signal) {
          examples(signal, [&](size_t r) { return !column.is_null(r); });
          signal.text = fmt::format(
              "where {} is {}, {} is {} further from the reference than in the other rows (Kolmogorov-Smirnov; from "
              "block to block at most {}){}",
              names.label, where.value, column.label, number_text(now.distance), number_text(limit_of(distances, 1, 0)),
              conversion_in(look, column, names, code));
        });
  if (!column.derived)
    look.consider(
        {.kind = "slice_nulls",
         .columns = {column.name},
         .value = now.nulls,
         .limit = limit_of(nulls, kNullMargin, kNullFloor) + kSigmas * share_error(now.null_before, now.m + 1),
         .slice = where,
         .effect = now.nulls},
        [&](Signal& signal) {
          examples(signal, [&](size_t r) { return column.is_null(r); });
          signal.text =
              fmt::format("where {} is {}, {} is missing in {} of the rows, {} in the reference", names.label,
                          where.value, column.label, percent_text(now.null_now), percent_text(now.null_before));
        });
}

}  // namespace

void look_at_slices(Look& look) {
  for (size_t c = 0; c < look.sample.columns.size(); ++c) {
    const auto& column = look.sample.columns[c];
    if (column.dated && column.kind != Kind::number) continue;
    const bool number = column.kind == Kind::number && !column.dated;
    const auto edges = number ? edges_of(look, column) : std::vector<double>{};
    const size_t bins = edges.size() + 2;
    std::vector<uint8_t> bin_of_row(look.sample.rows(), static_cast<uint8_t>(bins - 1));
    for (size_t r = 0; r < look.sample.rows(); ++r) {
      if (column.is_null(r)) continue;
      bin_of_row[r] =
          number ? static_cast<uint8_t>(std::upper_bound(edges.begin(), edges.end(), column.numbers[r]) - edges.begin())
                 : 0;
    }
    std::vector<Cell> totals(look.sample.batch + 1, Cell(bins));
    for (size_t r = 0; r < look.sample.rows(); ++r) ++totals[look.sample.group[r]].bins[bin_of_row[r]];
    for (const auto& by : look.slices) {
      if (look.sample.columns[by.column].name == column.name) continue;
      const auto table = table_of(look, by, column, bin_of_row, bins);
      for (size_t s = 0; s < by.codes.size(); ++s) slice(look, by, column, table, s, totals);
    }
  }
}

}  // namespace millrace::data::compare
