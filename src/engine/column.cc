#include <cassert>

#include "engine/parquet.h"

namespace millrace::engine {

Column::Column(std::string name, Kind kind) : name_(std::move(name)), kind_(kind) {}

void Column::push_null() {
  if (kind_ == Kind::text)
    ends_.push_back(texts_.size());
  else if (kind_ == Kind::number)
    numbers_.push_back(0);
  else
    wholes_.push_back(0);
  present_.push_back(0);
}

void Column::push_boolean(bool value) {
  assert(kind_ == Kind::boolean);
  wholes_.push_back(value ? 1 : 0);
  present_.push_back(1);
}

void Column::push_integer(int64_t value) {
  assert(kind_ == Kind::integer || kind_ == Kind::timestamp);
  wholes_.push_back(value);
  present_.push_back(1);
}

void Column::push_time(Micros value) { push_integer(value); }

void Column::push_number(double value) {
  assert(kind_ == Kind::number);
  numbers_.push_back(value);
  present_.push_back(1);
}

void Column::push_text(std::string_view value) {
  assert(kind_ == Kind::text);
  texts_ += value;
  ends_.push_back(texts_.size());
  present_.push_back(1);
}

void Column::reserve(size_t rows) {
  present_.reserve(rows);
  if (kind_ == Kind::text)
    ends_.reserve(rows);
  else if (kind_ == Kind::number)
    numbers_.reserve(rows);
  else
    wholes_.reserve(rows);
}

void Column::clear() {
  present_.clear();
  wholes_.clear();
  numbers_.clear();
  texts_.clear();
  ends_.clear();
}

std::string_view Column::text(size_t row) const {
  const size_t from = row == 0 ? 0 : ends_[row - 1];
  return std::string_view(texts_).substr(from, ends_[row] - from);
}

}  // namespace millrace::engine
