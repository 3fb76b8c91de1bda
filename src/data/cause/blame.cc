#include "data/cause/blame.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "data/cause/units.h"

namespace millrace::data::cause {
namespace {

struct Weight {
  std::string_view kind;
  double weight;
};
constexpr std::array kWeights{
    Weight{"null_rate", 0.95},
    Weight{"new_values", 0.95},
    Weight{"new_category", 0.95},
    Weight{"constant", 0.95},
    Weight{"stale", 0.98},
    Weight{"repeated_rows", 0.95},
    Weight{"quarantine", 0.9},
    Weight{"outside_period", 0.9},
    Weight{"broken_relation", 0.85},
    Weight{"unseen_pairs", 0.85},
    Weight{"frequent_value", 0.85},
    Weight{"vanished_category", 0.85},
    Weight{"slice", 0.85},
    Weight{"jump_at_batch_boundary", 0.85},
    Weight{"precision", 0.85},
    Weight{"order_lost", 0.85},
    Weight{"missing_days", 0.8},
    Weight{"rows_a_day", 0.7},
    Weight{"spread_at_batch_boundary", 0.6},
    Weight{"distribution_at_batch_boundary", 0.6},
};
constexpr double kUnknownWeight = 0.3;
constexpr double kDefaultShare = 0.08;  // of the rows
constexpr double kDefaultOfNew = 0.6;
constexpr double kSame = 0.6;  // of the strongest: columns so near to it may be merged with it

double weight_of(std::string_view kind) {
  for (const auto& each : kWeights)
    if (each.kind == kind) return each.weight;
  return kUnknownWeight;
}

bool is_relation(const Evidence& evidence) { return evidence.columns.size() > 1; }
bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

struct Case {
  std::vector<Evidence> own, relations;
  double strength = 0;
};

// Each kind counts once, with its strongest piece.
double together(const std::vector<Evidence>& evidence, double share) {
  std::map<std::string, double> kinds;
  for (const auto& one : evidence) kinds[one.kind] = std::max(kinds[one.kind], share * strength_of(one));
  double left = 1;
  for (const auto& [kind, strength] : kinds) left *= 1 - strength;
  return 1 - left;
}

using Cases = std::map<std::string, Case>;

Cases own_cases(const Look& look) {
  Cases out;
  for (const auto& one : look.evidence)
    if (one.columns.size() == 1) out[one.columns[0]].own.push_back(one);
  for (auto& [column, found] : out) found.strength = together(found.own, 1);
  return out;
}

// Share of the relations of one kind that a column is in which are broken.
double broken_share(const Look& look, const std::string& column, const std::string& kind) {
  double all = 0, broken = 0;
  for (const auto& test : look.relations) {
    if (test.kind != kind || !has(test.columns, column)) continue;
    all += 1;
    broken += test.ratio > 1 ? 1 : 0;
  }
  return all > 0 ? broken / all : 0;
}

// Hands every broken relation to the column that explains most of what is left.
void blame_relations(const Look& look, Cases& cases) {
  std::vector<Evidence> left;
  for (const auto& one : look.evidence)
    if (is_relation(one)) left.push_back(one);
  while (!left.empty()) {
    std::map<std::string, double> weight;
    for (const auto& one : left)
      for (const auto& column : one.columns)
        weight[column] += strength_of(one) * (0.3 + 0.7 * broken_share(look, column, one.kind));
    std::string most;
    double best = -1;
    for (auto& [column, sum] : weight) {
      const auto own = cases.find(column);
      sum *= 1 + 2 * (own == cases.end() ? 0 : together(own->second.own, 1));
      if (sum > best) best = sum, most = column;
    }
    auto& found = cases[most];
    std::vector<Evidence> rest;
    for (auto& one : left) (has(one.columns, most) ? found.relations : rest).push_back(std::move(one));
    left = std::move(rest);
    // A relation alone does not say which of its columns broke; several that meet in one do.
    double share = 0;
    for (const auto& one : found.relations) share = std::max(share, broken_share(look, most, one.kind));
    found.strength = 1 - (1 - together(found.own, 1)) * (1 - together(found.relations, 0.5 + 0.5 * share));
  }
}

bool has_kind(const Case& found, std::string_view kind) {
  return std::any_of(found.own.begin(), found.own.end(), [&](const Evidence& one) { return one.kind == kind; });
}
double strength_of_kind(const Case& found, std::string_view kind) {
  double out = 0;
  for (const auto& one : found.own)
    if (one.kind == kind) out = std::max(out, strength_of(one));
  return out;
}

double value_of_kind(const Case& found, std::string_view kind) {
  double out = 0;
  for (const auto& one : found.own)
    if (one.kind == kind) out = std::max(out, one.value);
  return out;
}

struct Change {
  std::string name;
  std::optional<Conversion> conversion;
  std::string text;
};

Change change_of_text(const Case& found) {
  if (has_kind(found, "constant")) return {"default", {}, ""};
  if (has_kind(found, "new_category")) return {"recode", {}, ""};
  if (has_kind(found, "slice") && !has_kind(found, "frequent_value")) return {"rows", {}, ""};
  if (has_kind(found, "vanished_category") && has_kind(found, "frequent_value")) return {"recode", {}, ""};
  if (has_kind(found, "vanished_category") || has_kind(found, "slice")) return {"rows", {}, ""};
  return {found.own.empty() ? "order" : "shift", {}, ""};
}

Change change_of_number(const Look& look, const FrameColumn& column, const Case& found) {
  const double spike = std::max(strength_of_kind(found, "frequent_value"), strength_of_kind(found, "constant"));
  const bool moved = has_kind(found, "new_values") || has_kind(found, "jump_at_batch_boundary") ||
                     has_kind(found, "spread_at_batch_boundary") || has_kind(found, "distribution_at_batch_boundary") ||
                     has_kind(found, "precision") || has_kind(found, "quarantine");
  if (has_kind(found, "constant")) return {"default", {}, ""};
  const double step = has_kind(found, "precision") ? coarser_step(look, column) : 0;
  // One value has come in place of many; a unit brings many new ones.
  const double one = value_of_kind(found, "frequent_value");
  if (step == 0 && spike > 0 && one >= kDefaultShare && one >= kDefaultOfNew * value_of_kind(found, "new_values"))
    return {"default", {}, ""};
  const auto conversion = moved ? find_conversion(look, column) : std::nullopt;
  if (conversion && (spike < 0.5 || !conversion->name.empty()))
    return {"unit", conversion, conversion_text(column.name, *conversion)};
  if (step > 0) return {"precision", {}, fmt::format("{} is now given in steps of {}", column.name, number_text(step))};
  if (spike >= 0.5) return {"default", {}, ""};
  if (moved) return {"shift", {}, ""};
  return {"order", {}, ""};
}

Change change_of(const Look& look, const std::string& name, const Case& found) {
  if (strength_of_kind(found, "null_rate") >= 0.3) return {"missing", {}, ""};
  const auto* column = look.frame.find(name);
  if (column == nullptr) return {"time", {}, ""};
  return column->number ? change_of_number(look, *column, found) : change_of_text(found);
}

// A code that is new and one that is gone with about the same share: the one became the other.
std::string recode_text(const Look& look, const std::string& name) {
  for (size_t c = 0; c < look.frame.columns.size(); ++c) {
    const auto& column = look.frame.columns[c];
    const auto& counts = look.counts[c];
    if (column.name != name || column.number || look.frame.history() == 0) continue;
    const size_t now = look.frame.suspect, before = now - 1;
    size_t fresh = 0, gone = 0;
    double up = 0, down = 0;
    for (size_t v = 0; v < counts.values(); ++v) {
      const double by = counts.share(v, now) - counts.share(v, before);
      if (by > up) up = by, fresh = v;
      if (-by > down && counts.at(v, now) == 0) down = -by, gone = v;
    }
    if (up > 0 && down > 0 && std::abs(std::log(up / down)) < std::log(1.5))
      return fmt::format("{} = {} is gone ({} of the batch before) and {} has come in its place ({})", name,
                         column.shown(static_cast<int32_t>(gone)), percent_text(down),
                         column.shown(static_cast<int32_t>(fresh)), percent_text(up));
  }
  return "";
}

std::vector<Evidence> all_of(const Case& found) {
  auto out = found.own;
  out.insert(out.end(), found.relations.begin(), found.relations.end());
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return strength_of(a) > strength_of(b); });
  return out;
}

Suspect suspect_of(const Look& look, const std::string& name, const Case& found) {
  const auto change = change_of(look, name, found);
  Suspect out{.columns = {name}, .change = change.name, .strength = found.strength, .evidence = all_of(found)};
  if (!change.text.empty() && !out.evidence.empty()) out.evidence[0].text += "; " + change.text;
  if (change.name == "recode" && !out.evidence.empty())
    if (const auto text = recode_text(look, name); !text.empty()) out.evidence[0].text += "; " + text;
  return out;
}

void join(Suspect& into, Suspect&& other) {
  into.columns.insert(into.columns.end(), other.columns.begin(), other.columns.end());
  into.strength = std::max(into.strength, other.strength);
  into.evidence.insert(into.evidence.end(), std::make_move_iterator(other.evidence.begin()),
                       std::make_move_iterator(other.evidence.end()));
  std::stable_sort(into.evidence.begin(), into.evidence.end(),
                   [](const auto& a, const auto& b) { return strength_of(a) > strength_of(b); });
}

bool broke_alike(const Look& look, const Suspect& first, const Suspect& second) {
  const auto *a = look.frame.find(first.columns[0]), *b = look.frame.find(second.columns[0]);
  if (a == nullptr || b == nullptr || first.columns.size() > 3 || second.strength < kSame * first.strength)
    return false;
  if (a->number && b->number && have_changed_places(look, *a, *b)) return true;
  return first.change == second.change &&
         (first.change == "unit" || first.change == "missing" || first.change == "default");
}

// What concerns rows and no column goes to the strongest slice, or stands alone.
void add_row_evidence(const Look& look, std::vector<Suspect>& suspects) {
  Suspect whole{.change = "rows"};
  for (const auto& one : look.evidence)
    if (one.columns.empty()) whole.evidence.push_back(one);
  if (whole.evidence.empty()) return;
  const bool is_stale =
      std::any_of(whole.evidence.begin(), whole.evidence.end(), [](const auto& one) { return one.kind == "stale"; });
  whole.strength = together(whole.evidence, 1);
  if (is_stale) whole.change = "stale";
  for (auto& suspect : suspects) {
    if (is_stale || suspect.change != "rows") continue;
    whole.columns = suspect.columns;
    whole.strength = 1 - (1 - whole.strength) * (1 - suspect.strength);
    whole.evidence.insert(whole.evidence.begin(), suspect.evidence.begin(), suspect.evidence.end());
    suspect = std::move(whole);
    return;
  }
  suspects.push_back(std::move(whole));
}

void sort(std::vector<Suspect>& suspects) {
  std::stable_sort(suspects.begin(), suspects.end(),
                   [](const Suspect& a, const Suspect& b) { return a.strength > b.strength; });
}

}  // namespace

double strength_of(const Evidence& evidence) {
  if (evidence.ratio() <= 1) return 0;
  return weight_of(evidence.kind) * (1 - std::exp2(1 - evidence.ratio()));
}

std::vector<Suspect> suspects_of(const Look& look) {
  auto cases = own_cases(look);
  blame_relations(look, cases);
  std::vector<Suspect> alone;
  for (const auto& [name, found] : cases) alone.push_back(suspect_of(look, name, found));
  sort(alone);
  std::vector<Suspect> out;
  for (auto& suspect : alone) {
    const auto same =
        std::find_if(out.begin(), out.end(), [&](const Suspect& known) { return broke_alike(look, known, suspect); });
    if (same == out.end())
      out.push_back(std::move(suspect));
    else {
      if (const auto* a = look.frame.find(same->columns[0]), *b = look.frame.find(suspect.columns[0]);
          same->change != suspect.change || have_changed_places(look, *a, *b))
        same->change = "swap";
      join(*same, std::move(suspect));
    }
  }
  add_row_evidence(look, out);
  sort(out);
  return out;
}

}  // namespace millrace::data::cause
