// Columns that identify a row, alone or two or three together.
#include <cmath>

#include <fmt/format.h>

#include "data/infer/parts.h"

namespace millrace::data::infer {
namespace {

constexpr int64_t kFewRows = 20;
constexpr int64_t kFirstRows = 20'000;  // where keys that are none usually show it
constexpr size_t kColumns = 12;         // that compound keys are made of
constexpr size_t kTrials = 8;           // compound keys that are tried on all rows

bool can_be_key(const Batch& batch, const Property& property) {
  const auto& column = batch.of(property);
  switch (property.type) {
    case LogicalType::integer:
    case LogicalType::string:
    case LogicalType::date:
    case LogicalType::timestamp: return column.nulls == 0 && column.wrong_type == 0 && column.distinct > 1;
    default: return false;
  }
}

bool sounds_like_key(std::string name) {
  for (auto& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  for (const auto* word : {"id", "key", "uuid", "code", "number"})
    if (name == word || name.ends_with(std::string("_") + word)) return true;
  return name.ends_with("id") && name.size() <= 8;
}

using Key = std::vector<const Property*>;

class Keys {
 public:
  explicit Keys(const Batch& batch) : batch_(batch) {
    for (const auto& property : batch.object.properties)
      if (can_be_key(batch, property)) candidates_.push_back(&property);
  }

  Result<void> propose(std::map<std::string, Proposals>& columns) {
    if (batch_.profile.rows < kFewRows) return {};
    MILLRACE_TRY(const auto single, find_single());
    for (const auto* property : single) {
      auto& proposals = columns[property->name];
      proposals.keys["unique"] = true;
      proposals.beliefs["unique"] = {sureness({property}), batch_.profile.rows};
    }
    Key key;
    if (!single.empty()) {
      key = {single.front()};
    } else {
      MILLRACE_TRY(key, find_compound());
    }
    int position = 0;
    for (const auto* property : key) {
      auto& proposals = columns[property->name];
      proposals.keys["primaryKey"] = true;
      proposals.keys["primaryKeyPosition"] = ++position;
      if (key.size() == 1) proposals.keys.erase("unique");
      proposals.beliefs.erase("unique");
      proposals.beliefs["primaryKey"] = {sureness(key), batch_.profile.rows};
    }
    return {};
  }

 private:
  // What to expect of values drawn at random: repeated pairs, had these columns nothing to do with identity.
  double sureness(const Key& key) const {
    double different = 1;
    for (const auto* property : key) different *= static_cast<double>(batch_.of(*property).distinct);
    const double n = static_cast<double>(batch_.profile.rows);
    const double repeats = n * (n - 1) / 2 / std::max(different, n);
    double sure = std::min(1 - std::exp(-repeats), at_least(batch_.profile.rows, batch_.profile.rows));
    // Times differ by themselves.
    if (key.size() == 1 && (key[0]->type == LogicalType::timestamp || key[0]->type == LogicalType::date)) sure *= 0.9;
    return sure;
  }

  Result<Key> find_single() const {
    Key likely;
    std::string list;
    for (const auto* property : candidates_) {
      // An estimate: one column that is counted for nothing is cheaper than a key that is missed.
      if (static_cast<double>(batch_.of(*property).distinct) < 0.85 * static_cast<double>(batch_.profile.rows))
        continue;
      list += fmt::format("{}count(DISTINCT {})", likely.empty() ? "" : ", ", batch_.value(*property));
      likely.push_back(property);
    }
    if (likely.empty()) return likely;
    MILLRACE_TRY(const auto found, batch_.plan.query(fmt::format("SELECT {} FROM millrace_batch", list)));
    Key unique;
    for (size_t i = 0; i < likely.size(); ++i)
      if (found.integer(0, i) == batch_.profile.rows) unique.push_back(likely[i]);
    std::stable_sort(unique.begin(), unique.end(),
                     [](const auto* a, const auto* b) { return rank_of(*a) < rank_of(*b); });
    return unique;
  }

  static int rank_of(const Property& property) {
    const bool time = property.type == LogicalType::timestamp || property.type == LogicalType::date;
    return (sounds_like_key(property.name) ? 0 : 1) + (time ? 2 : 0);
  }

  double product(const Key& key) const {
    double out = 1;
    for (const auto* property : key) out *= static_cast<double>(batch_.of(*property).distinct);
    return out;
  }

  // Two or three columns, in the order of the table; those first whose uniqueness is the least likely by chance.
  std::vector<Key> compounds() const {
    Key from = candidates_;
    std::stable_sort(from.begin(), from.end(),
                     [&](const auto* a, const auto* b) { return batch_.of(*a).distinct > batch_.of(*b).distinct; });
    if (from.size() > kColumns) from.resize(kColumns);
    std::sort(from.begin(), from.end());  // they stand in one vector: the order of the table
    std::vector<Key> out;
    for (size_t i = 0; i < from.size(); ++i)
      for (size_t j = i + 1; j < from.size(); ++j) {
        out.push_back({from[i], from[j]});
        for (size_t k = j + 1; k < from.size(); ++k) out.push_back({from[i], from[j], from[k]});
      }
    std::erase_if(out, [&](const Key& key) { return product(key) < 0.9 * static_cast<double>(batch_.profile.rows); });
    std::stable_sort(out.begin(), out.end(), [&](const Key& a, const Key& b) {
      return a.size() != b.size() ? a.size() < b.size() : product(a) < product(b);
    });
    return out;
  }

  std::string row_of(const Key& key) const {
    std::vector<std::string> parts;
    for (const auto* property : key) parts.push_back(engine::quote_name(property->name));
    return fmt::format("{}", fmt::join(parts, ", "));
  }

  Result<Key> find_compound() const {
    auto keys = compounds();
    if (keys.empty()) return Key{};
    std::string list = "count(*)";
    for (const auto& key : keys) list += fmt::format(", count(DISTINCT row({}))", row_of(key));
    MILLRACE_TRY(const auto first, batch_.plan.query(fmt::format(
                                       "SELECT {} FROM (SELECT * FROM millrace_batch LIMIT {})", list, kFirstRows)));
    size_t trials = 0;
    for (size_t i = 0; i < keys.size() && trials < kTrials; ++i) {
      if (first.integer(0, i + 1) != first.integer(0, 0)) continue;
      ++trials;
      MILLRACE_TRY(const auto twice, batch_.plan.query(fmt::format("SELECT 1 FROM millrace_batch GROUP BY {} HAVING "
                                                                   "count(*) > 1 LIMIT 1",
                                                                   row_of(keys[i]))));
      if (twice.rows() == 0) return keys[i];
    }
    return Key{};
  }

  const Batch& batch_;
  Key candidates_;
};

}  // namespace

Result<void> infer_keys(const Batch& batch, std::map<std::string, Proposals>& columns) {
  return Keys(batch).propose(columns);
}

}  // namespace millrace::data::infer
