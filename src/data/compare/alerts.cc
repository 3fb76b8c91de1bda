#include "data/compare/alerts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "data/compare/dependence.h"

namespace millrace::data::compare {
namespace {

// How rarely a kind is over its limit in a good batch.
struct Weight {
  std::string_view kind;
  double weight;
};
constexpr std::array kWeights{Weight{"encoding", 0.99},
                              Weight{"new_characters", 0.97},
                              Weight{"stale", 0.99},
                              Weight{"repeated_rows", 0.95},
                              Weight{"new_category", 0.95},
                              Weight{"new_value", 0.95},
                              Weight{"new_shape", 0.95},
                              Weight{"null_rate", 0.95},
                              Weight{"slice_nulls", 0.93},
                              Weight{"slice_distribution", 0.9},
                              Weight{"dependence", 0.9},
                              Weight{"relation", 0.9},
                              Weight{"range", 0.9},
                              Weight{"frequent_value", 0.88},
                              Weight{"vanished_category", 0.88},
                              Weight{"precision", 0.88},
                              Weight{"new_values", 0.88},
                              Weight{"new_pairs", 0.85},
                              Weight{"spread", 0.8},
                              Weight{"distribution", 0.8}};
constexpr double kClock = 1.1;  // of a time and an hour that no longer agree, the time moved
constexpr double kSame = 0.5;   // slices of signals as strong as this share of the strongest are listened to

bool is_relation(const Signal& signal) { return signal.columns.size() > 1; }

double weight_of(std::string_view kind) {
  for (const auto& each : kWeights)
    if (each.kind == kind) return each.weight;
  return 0.5;
}

// Each kind counts once, with its strongest signal.
double together(const std::vector<Signal>& signals) {
  std::map<std::string, double> kinds;
  for (const auto& one : signals) kinds[one.kind] = std::max(kinds[one.kind], strength_of(one));
  double left = 1;
  for (const auto& [kind, strength] : kinds) left *= 1 - strength;
  return 1 - left;
}

void sort(std::vector<Signal>& signals) {
  std::stable_sort(signals.begin(), signals.end(),
                   [](const Signal& a, const Signal& b) { return strength_of(a) > strength_of(b); });
}

// The strongest slice that is named; one in which a whole-column signal lies, or one that moved alone.
std::optional<Slice> slice_of(const std::vector<Signal>& signals) {
  double best = 0;
  for (const auto& one : signals) best = std::max(best, strength_of(one));
  const Signal* found = nullptr;
  for (const auto& one : signals)
    if (one.slice && strength_of(one) >= kSame * best && (found == nullptr || one.ratio() > found->ratio()))
      found = &one;
  return found != nullptr ? found->slice : std::nullopt;
}

using Cases = std::map<std::string, std::vector<Signal>>;  // by column

bool is_time(const Look& look, const std::string& name) {
  const auto* column = look.sample.find(name);
  return column != nullptr && column->kind == Kind::time;
}

// Share of the relations that a column is in which are broken, and how far.
double broken_share(const Look& look, const std::string& column) {
  double all = 0, broken = 0;
  for (const auto& one : look.tested) {
    if (one.columns.size() < 2 || std::find(one.columns.begin(), one.columns.end(), column) == one.columns.end())
      continue;
    all += 1, broken += one.ratio() > 1 ? 1 : 0;
  }
  return all > 0 ? broken / all : 0;
}

// Relations are explained by columns with signals of their own; of the others, by the fewest columns.
void blame_relations(const Look& look, Cases& cases) {
  std::vector<Signal> left;
  for (const auto& one : look.signals)
    if (is_relation(one)) left.push_back(one);
  std::set<std::string> own;
  for (const auto& [column, signals] : cases) own.insert(column);
  while (!left.empty()) {
    std::map<std::string, double> weight;
    for (const auto& one : left) {
      const bool explained =
          std::any_of(one.columns.begin(), one.columns.end(), [&](const auto& c) { return own.contains(c); });
      for (const auto& column : one.columns)
        if (!explained || own.contains(column))
          weight[column] +=
              strength_of(one) * (0.3 + 0.7 * broken_share(look, column)) * (is_time(look, column) ? kClock : 1);
    }
    const auto most = std::max_element(weight.begin(), weight.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    auto& found = cases[most->first];
    std::vector<Signal> rest;
    for (auto& one : left)
      (std::find(one.columns.begin(), one.columns.end(), most->first) != one.columns.end() ? found : rest)
          .push_back(std::move(one));
    left = std::move(rest);
  }
}

// Columns whose pairs break: did they change places, or slip by some rows?
void find_places(const Look& look, std::vector<Alert>& alerts) {
  std::vector<Alert> out;
  std::set<std::string> done;
  for (auto& alert : alerts) {
    if (alert.columns.empty()) {
      out.push_back(std::move(alert));
      continue;
    }
    if (done.contains(alert.columns[0])) continue;
    const bool pairs = std::any_of(alert.signals.begin(), alert.signals.end(), [](const Signal& s) {
      return s.kind == "dependence" || s.kind == "relation" || s.kind == "new_pairs" || s.kind == "distribution" ||
             s.kind == "new_category" || s.kind == "new_values";
    });
    const auto found = pairs ? find_misplaced(look, alert.columns[0]) : std::nullopt;
    if (found && !found->other.empty() && !done.contains(found->other)) {
      alert.check = "swapped";
      alert.signals[0].text =
          fmt::format("{} and {} have changed places: exchanged, they fit the other columns as before; {}",
                      alert.columns[0], found->other, alert.signals[0].text);
      alert.slice = std::nullopt;
      done.insert(found->other);
      alert.columns = {alert.columns[0], found->other};
      for (const auto& other : alerts)
        if (!other.columns.empty() && other.columns[0] == found->other) {
          alert.score = std::max(alert.score, other.score);
          alert.signals.insert(alert.signals.end(), other.signals.begin(), other.signals.end());
        }
    } else if (found && found->slipped != 0) {
      alert.check = "misaligned";
      alert.slice = std::nullopt;
      alert.signals[0].text =
          fmt::format("the values of {} stand {} row{} too {}: moved back, they fit the other columns as before; {}",
                      alert.columns[0], std::abs(found->slipped), std::abs(found->slipped) == 1 ? "" : "s",
                      found->slipped > 0 ? "far down" : "far up", alert.signals[0].text);
    }
    out.push_back(std::move(alert));
  }
  std::erase_if(out, [&](const Alert& alert) {
    return alert.check != "swapped" && !alert.columns.empty() && done.contains(alert.columns[0]);
  });
  alerts = std::move(out);
}

}  // namespace

double strength_of(const Signal& signal) {
  if (signal.ratio() <= 1) return 0;
  return weight_of(signal.kind) * (1 - std::exp2(1 - signal.ratio()));
}

std::vector<Alert> alerts_of(const Look& look) {
  Cases cases;
  Alert rows;
  for (const auto& one : look.signals) {
    if (one.columns.size() == 1) cases[one.columns[0]].push_back(one);
    if (one.columns.empty()) rows.signals.push_back(one);
  }
  blame_relations(look, cases);
  std::vector<Alert> out;
  for (auto& [column, signals] : cases) {
    sort(signals);
    Alert alert{.check = signals[0].kind,
                .columns = {column},
                .slice = slice_of(signals),
                .score = together(signals),
                .signals = std::move(signals)};
    for (const auto& one : alert.signals)
      for (const auto& other : one.columns)
        if (std::find(alert.columns.begin(), alert.columns.end(), other) == alert.columns.end() &&
            &one == &alert.signals[0])
          alert.columns.push_back(other);
    out.push_back(std::move(alert));
  }
  if (!rows.signals.empty()) {
    sort(rows.signals);
    rows.check = rows.signals[0].kind, rows.slice = slice_of(rows.signals), rows.score = together(rows.signals);
    out.push_back(std::move(rows));
  }
  const auto by_score = [](const Alert& a, const Alert& b) { return a.score > b.score; };
  std::stable_sort(out.begin(), out.end(), by_score);
  find_places(look, out);
  std::stable_sort(out.begin(), out.end(), by_score);
  return out;
}

}  // namespace millrace::data::compare
