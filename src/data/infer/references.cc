// Columns whose values are keys of another dataset.
#include <set>

#include <fmt/format.h>

#include "data/infer/parts.h"
#include "data/typing.h"

namespace millrace::data::infer {
namespace {

constexpr double kOtherName = 0.9;  // of the different values are found, where the names do not say it
constexpr double kSameName = 0.5;   // where they do
constexpr int64_t kDifferent = 3;

std::string lower(std::string text) {
  for (auto& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

// customer_id and customers.id, origin_faa and airports.faa, carrier and airlines.carrier.
bool same_name(const std::string& column, const std::string& dataset, const std::string& key) {
  const auto here = lower(column), there = lower(key), table = lower(dataset);
  if (here == there) return true;
  if (here.size() > there.size() && here.ends_with("_" + there)) {
    const auto stem = here.substr(0, here.size() - there.size() - 1);
    return there != "id" || table == stem || table.starts_with(stem);
  }
  return false;
}

bool can_be_key(LogicalType type) {
  return type == LogicalType::string || type == LogicalType::integer || type == LogicalType::date ||
         type == LogicalType::timestamp;
}

class References {
 public:
  References(const Batch& batch, Proposals& object) : batch_(batch), object_(object) {}

  Result<void> propose(const std::string& dataset, const std::vector<std::string>& files) {
    MILLRACE_TRY(const auto keys, read_dataset(files));
    std::set<std::string> used;
    for (const auto& property : batch_.object.properties)
      for (const auto& key : keys) {
        if (used.contains(property.name) || property.type != key.type || !can_be_key(key.type) ||
            !unique_.contains(key.name))
          continue;
        MILLRACE_TRY(const bool found,
                     try_key(dataset, {&property}, {key.name}, same_name(property.name, dataset, key.name)));
        if (found) used.insert(property.name);
      }
    if (unique_.empty()) MILLRACE_DO(propose_compound(dataset, keys));
    return {};
  }

 private:
  // The dataset's columns as the relation millrace_infer_reference; which of them are unique.
  Result<std::vector<Property>> read_dataset(const std::vector<std::string>& files) {
    std::vector<InputFile> inputs;
    for (const auto& file : files) {
      MILLRACE_TRY(auto input, inspect_file(batch_.session, file, file));
      inputs.push_back(std::move(input));
    }
    MILLRACE_TRY(const auto typing, infer_types(batch_.session, inputs));
    std::string select;
    for (const auto& input : inputs) {
      std::string list;
      for (const auto& property : typing.properties) {
        const auto raw = fmt::format("c{}", input.index(property.name));
        MILLRACE_TRY(const auto typed,
                     to_typed(batch_.session.dialect(), property, input.find(property.name)->type, raw));
        list += fmt::format("{}{} AS {}", list.empty() ? "" : ", ", typed ? typed->sql : raw,
                            engine::quote_name(property.name));
      }
      select +=
          fmt::format("{}SELECT {} FROM ({})", select.empty() ? "" : " UNION ALL ", list, select_from(input, false));
    }
    auto made = batch_.session.execute("CREATE OR REPLACE TEMP TABLE millrace_infer_reference AS " + select);
    if (!made) return explain_read(std::move(made).error(), inputs);
    std::string counts;
    for (const auto& property : typing.properties)
      counts += fmt::format("{0}count({1}) > 0 AND count(*) = count(DISTINCT {1})", counts.empty() ? "" : ", ",
                            engine::quote_name(property.name));
    MILLRACE_TRY(const auto found,
                 batch_.session.query(fmt::format("SELECT {} FROM millrace_infer_reference", counts)));
    unique_.clear();
    for (size_t i = 0; i < typing.properties.size(); ++i)
      if (can_be_key(typing.properties[i].type) && found.integer(0, i) != 0) unique_.insert(typing.properties[i].name);
    return typing.properties;
  }

  // Where no column alone is a key there: the columns that both have, if they are one together.
  Result<void> propose_compound(const std::string& dataset, const std::vector<Property>& keys) {
    std::vector<const Property*> here;
    std::vector<std::string> there;
    for (const auto& property : batch_.object.properties)
      for (const auto& key : keys)
        if (lower(property.name) == lower(key.name) && property.type == key.type && can_be_key(key.type)) {
          here.push_back(&property);
          there.push_back(key.name);
        }
    // Fewest columns first: pairs, then three.
    std::vector<std::vector<size_t>> tries;
    for (size_t size : {size_t{2}, size_t{3}})
      for (size_t i = 0; i < here.size(); ++i)
        for (size_t j = i + 1; j < here.size(); ++j) {
          if (size == 2) tries.push_back({i, j});
          for (size_t k = j + 1; size == 3 && k < here.size(); ++k) tries.push_back({i, j, k});
        }
    constexpr size_t kTries = 64;
    for (size_t at = 0; at < tries.size() && at < kTries; ++at) {
      std::vector<const Property*> columns;
      std::vector<std::string> names, quoted;
      for (const auto i : tries[at]) {
        columns.push_back(here[i]);
        names.push_back(there[i]);
        quoted.push_back(engine::quote_name(there[i]));
      }
      MILLRACE_TRY(const auto twice, batch_.session.query(fmt::format(
                                         "SELECT 1 FROM millrace_infer_reference GROUP BY {} HAVING count(*) > "
                                         "1 LIMIT 1",
                                         fmt::join(quoted, ", "))));
      if (twice.rows() != 0) continue;
      MILLRACE_TRY(const bool found, try_key(dataset, columns, names, true));
      if (found) return {};
    }
    return {};
  }

  Result<bool> try_key(const std::string& dataset, const std::vector<const Property*>& columns,
                       const std::vector<std::string>& keys, bool named) {
    std::vector<std::string> present, names;
    std::string here, there, on;
    for (size_t i = 0; i < columns.size(); ++i) {
      const auto value = batch_.value(*columns[i]);
      names.push_back(columns[i]->name);
      present.push_back(value + " IS NOT NULL");
      here += fmt::format("{}{} AS k{}", i == 0 ? "" : ", ", value, i);
      there += fmt::format("{}{} AS r{}", i == 0 ? "" : ", ", engine::quote_name(keys[i]), i);
      on += fmt::format("{}k{} = r{}", i == 0 ? "" : " AND ", i, i);
    }
    MILLRACE_TRY(
        const auto found,
        batch_.plan.query(fmt::format(
            "SELECT count(*), count(r0), CAST(sum(n) AS BIGINT), CAST(sum(n) FILTER (WHERE r0 IS NULL) AS BIGINT) FROM "
            "(SELECT {}, count(*) AS n FROM millrace_batch WHERE {} GROUP BY ALL) LEFT JOIN "
            "(SELECT DISTINCT {} FROM millrace_infer_reference) ON {}",
            here, fmt::join(present, " AND "), there, on)));
    const int64_t different = found.integer(0, 0), known = found.integer(0, 1);
    const int64_t rows = found.integer(0, 2), lost = found.is_null(0, 3) ? 0 : found.integer(0, 3);
    if (different < kDifferent) return false;
    const double share = static_cast<double>(known) / static_cast<double>(different);
    // Small whole numbers are found in any list of numbers: there the names must say it.
    if (!named && (columns[0]->type != LogicalType::string || share < kOtherName)) return false;
    if (named && share < kSameName) return false;
    const double limit = lost == 0 ? 0 : round_up(std::min(1.0, 1.5 * at_most(lost, rows)));
    const double sure = at_least(known, different);
    object_.quality.push_back(custom_rule(fmt::format("{}_in_{}", fmt::join(names, "_"), dataset),
                                          {{"metric", "foreign_key"},
                                           {"columns", names},
                                           {"reference", {{"dataset", dataset}, {"columns", keys}}},
                                           {"between", {0, plain(limit)}}},
                                          {named ? 1 - (1 - sure) / 2 : sure, rows}, lost > 0));
    return true;
  }

  const Batch& batch_;
  Proposals& object_;
  std::set<std::string> unique_;
};

}  // namespace

Result<void> infer_references(const Batch& batch, const InferOptions& options, Proposals& object) {
  for (const auto& [dataset, files] : options.references)
    MILLRACE_DO(References(batch, object).propose(dataset, files));
  return {};
}

}  // namespace millrace::data::infer
