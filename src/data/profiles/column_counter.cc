#include "data/profiles/column_counter.h"

#include <algorithm>

#include "data/profiles/profile.h"
#include "data/profiles/profile_columns.h"

namespace millrace::data {

ColumnCounter::ColumnCounter(LogicalType type, std::vector<double> edges) : type_(type) {
  if (is_numeric(type))
    numbers_.emplace(type == LogicalType::integer, std::move(edges));
  else if (!is_time(type) && !is_opaque(type) && type != LogicalType::boolean)
    texts_.emplace();
}

void ColumnCounter::add(int64_t value) {
  ++count_;
  if (numbers_) return numbers_->add(value);
  first_ = std::min(first_.value_or(value), value), last_ = std::max(last_.value_or(value), value);
  times_.add(stats::mix(static_cast<uint64_t>(value)));
}

void ColumnCounter::add(double value) {
  ++count_;
  numbers_->add(value);
}

void ColumnCounter::add(std::string_view value) {
  ++count_;
  texts_->add(value);
}

void ColumnCounter::add_boolean(bool value) {
  ++count_;
  truths_ += value ? 1 : 0;
}

void ColumnCounter::take(const engine::ScanColumn& rows) {
  const auto each = [&](const auto& add_row) {
    for (size_t row = 0; row < rows.rows(); ++row)
      if (!rows.is_null(row)) add_row(row);
  };
  switch (rows.kind()) {
    case engine::ScanColumn::Kind::integer:
      return each([&, values = rows.integers()](size_t row) { add(values[row]); });
    case engine::ScanColumn::Kind::number: return each([&, values = rows.numbers()](size_t row) { add(values[row]); });
    case engine::ScanColumn::Kind::text: return each([&](size_t row) { add(rows.text(row)); });
    case engine::ScanColumn::Kind::boolean: return each([&](size_t row) { add_boolean(rows.boolean(row)); });
  }
}

void ColumnCounter::tell(ColumnProfile& profile) const {
  profile.count = count_;
  if (type_ == LogicalType::boolean) {
    profile.truths = truths_;
    profile.distinct = (truths_ > 0 ? 1 : 0) + (truths_ < count_ ? 1 : 0);
  }
  if (is_time(type_)) {
    if (first_) profile.minimum = static_cast<double>(*first_), profile.maximum = static_cast<double>(*last_);
    profile.distinct = times_.value(), profile.distinct_error = times_.standard_error();
  }
  if (texts_) {
    profile.distinct = texts_->distinct(), profile.distinct_error = texts_->distinct_error();
    if (type_ != LogicalType::string || count_ == 0) return;
    profile.minimum = static_cast<double>(texts_->shortest()), profile.maximum = static_cast<double>(texts_->longest());
    if (has_few_values(profile.distinct, count_)) profile.top = texts_->top(profile_top);
  }
  if (!numbers_) return;
  auto totals = numbers_->totals(profile_shares);
  profile.nan = totals.nan, profile.infinite = totals.infinite;
  profile.distinct = totals.distinct, profile.distinct_error = totals.distinct_error;
  if (!numbers_->edges().empty()) profile.edges = numbers_->edges(), profile.counts = std::move(totals.bins);
  if (totals.finite == 0) return;
  profile.minimum = totals.minimum, profile.maximum = totals.maximum;
  profile.sum = stable_sum(totals.sum), profile.sum_of_squares = stable_sum(totals.sum_of_squares);
  profile.quantiles = std::move(totals.quantiles), profile.quantile_error = totals.quantile_error;
}

}  // namespace millrace::data
