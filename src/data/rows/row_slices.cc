#include "data/rows/row_slices.h"

#include <algorithm>

#include "data/rows/cell_json.h"
#include "data/rows/compare.h"
#include "data/rows/key_set.h"

namespace millrace::data {
namespace {

constexpr size_t kBytes = 64 << 20;

// As SQL orders them: what is missing stands last.
int order(const Cell& a, const Cell& b) {
  if (a.is_missing() || b.is_missing()) return static_cast<int>(a.is_missing()) - static_cast<int>(b.is_missing());
  return compare_cells(a, b);
}

}  // namespace

RowSlices::RowSlices(const Object& object, const Rule& rule) : object_(object) {
  for (const auto& column : rule.parameters["by"])
    columns_.push_back(static_cast<size_t>(object.find(column.get<std::string>()) - object.properties.data()));
}

bool RowSlices::add(Row typed, unsigned bits) {
  key_.clear();
  for (const size_t column : columns_) append_key(typed[column], key_);
  if ((last_ == nullptr || key_ != last_key_) && !begin(typed)) return false;
  ++last_->rows;
  add_bits(bits, last_->counts);
  return true;
}

bool RowSlices::begin(Row typed) {
  const auto [at, is_new] = slices_.try_emplace(key_);
  last_ = &at->second;
  last_key_ = key_;
  if (!is_new) return true;
  bytes_ += 2 * key_.size();
  last_->texts.reserve(columns_.size());
  for (const size_t column : columns_) {
    Cell value = typed[column];
    value.text = last_->texts.emplace_back(value.text);
    last_->values.push_back(value);
  }
  return slices_.size() <= slices_most && bytes_ <= kBytes;
}

void RowSlices::judge(const CheckKind& kind, size_t counts, BatchFacts facts, Finding& finding) const {
  std::vector<const Slice*> ordered;
  for (const auto& [key, slice] : slices_) ordered.push_back(&slice);
  std::sort(ordered.begin(), ordered.end(), [](const Slice* a, const Slice* b) {
    if (a->rows != b->rows) return a->rows > b->rows;
    for (size_t i = 0; i < a->values.size(); ++i)
      if (const int found = order(a->values[i], b->values[i]); found != 0) return found < 0;
    return false;
  });
  SliceJudge slices(finding);
  for (const auto* slice : ordered) {
    Json value = Json::object();
    for (size_t i = 0; i < columns_.size(); ++i) {
      const auto& property = object_.properties[columns_[i]];
      value[property.name] = property.is_masked() ? Json("(masked)") : to_json(slice->values[i]);
    }
    const Integers integers(slice->counts.begin(), slice->counts.begin() + static_cast<int64_t>(counts));
    facts.rows = slice->rows;
    slices.add(std::move(value), slice->rows, kind.finish(finding.rule, integers, facts));
  }
  slices.tell();
}

}  // namespace millrace::data
