#include "data/rows/row_profile.h"

#include "data/profiles/profile_columns.h"
#include "data/rows/key_set.h"

namespace millrace::data {

RowProfile::RowProfile(const Object& object, const ProfileEdges& edges)
    : object_(object), wrong_(object.properties.size()) {
  for (const auto& property : object.properties) {
    const auto known = edges.find(property.name);
    counters_.emplace_back(property.type, known == edges.end() ? std::vector<double>{} : known->second);
  }
}

void RowProfile::take(Row typed) {
  for (size_t i = 0; i < typed.size(); ++i) {
    const Cell& cell = typed[i];
    if (cell.is_missing()) {
      wrong_[i] += cell.kind == Cell::Kind::wrong ? 1 : 0;
      continue;
    }
    auto& counter = counters_[i];
    switch (object_.properties[i].type) {
      case LogicalType::integer:
      case LogicalType::date:
      case LogicalType::timestamp: counter.add(cell.integer); break;
      case LogicalType::number: counter.add(cell.number); break;
      case LogicalType::string: counter.add(cell.text); break;
      case LogicalType::boolean: counter.add_boolean(cell.boolean); break;
      case LogicalType::object:
      case LogicalType::array: counter.add_boolean(true); break;
      default:
        if (cell.kind == Cell::Kind::text) {
          counter.add(cell.text);
        } else {  // only told apart
          text_.clear();
          append_key(cell, text_);
          counter.add(std::string_view(text_));
        }
    }
  }
}

Profile RowProfile::profile(int64_t rows) const {
  Profile profile{.rows = rows};
  for (size_t i = 0; i < counters_.size(); ++i) {
    const auto& property = object_.properties[i];
    auto& column = profile.columns[property.name];
    column.type = property.type;
    column.masked = property.is_masked();
    column.wrong_type = wrong_[i];
    counters_[i].tell(column);
    column.nulls = rows - column.count - column.wrong_type;
    if (column.masked) column.top.clear();
  }
  return profile;
}

}  // namespace millrace::data
