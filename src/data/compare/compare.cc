#include "data/compare/compare.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

namespace millrace::data::compare {
namespace {

constexpr size_t kLeastRows = 50;
constexpr double kWrongType = 0.0005;
constexpr size_t kExampleBytes = 200;

Json example(const Sample& sample, const std::vector<InputFile>& files, const Alert& alert, size_t row) {
  Json values = Json::object();
  const auto show = [&](const std::string& name) {
    const auto* column = sample.find(name);
    if (column == nullptr) return;
    const int32_t code = column->codes[row];
    if (code < 0)
      values[name] = nullptr;
    else if (column->masked)
      values[name] = "(masked)";
    else if (column->kind == Kind::number && std::isfinite(column->numbers[row]))
      values[name] = column->numbers[row];
    else
      values[name] = column->texts[static_cast<size_t>(code)].substr(0, kExampleBytes);
  };
  for (const auto& name : alert.columns) show(name);
  if (alert.slice) show(alert.slice->column);
  const size_t at = row - sample.reference_rows;
  return {{"file", files[static_cast<size_t>(sample.file[at])].label},
          {"row", sample.place[at]},
          {"values", std::move(values)}};
}

void add_changes(const SampleRead& read, Comparison& out) {
  for (const auto& change : read.changes) {
    const bool missing = change.what != "new";
    Signal signal{.kind = change.what == "retyped" ? "type" : "columns",
                  .columns = {change.column},
                  .value = 1,
                  .limit = missing ? 0.05 : 0.4,
                  .text = change.text};
    out.tested.push_back({signal.kind, signal.columns, 1, 0.5, std::nullopt, std::nullopt});
    out.alerts.push_back(
        {.check = signal.kind, .columns = {change.column}, .score = missing ? 1 : 0.6, .signals = {signal}});
  }
  for (const auto& [column, rows] : read.wrong) {
    const double share = static_cast<double>(rows) / static_cast<double>(std::max<size_t>(1, read.sample.batch_rows()));
    const auto* read_as = read.sample.find(column);
    const double usual = 0;
    Signal signal{.kind = "type", .columns = {column}, .value = share, .limit = kWrongType, .effect = share - usual};
    signal.text = fmt::format("{} of the values of {} are no {} as the reference's are", percent_text(share), column,
                              read_as != nullptr && read_as->kind == Kind::time ? "times" : "numbers");
    out.tested.push_back({signal.kind, signal.columns, share, kWrongType, share, std::nullopt});
    if (share > kWrongType)
      out.alerts.push_back(
          {.check = "type", .columns = {column}, .score = 0.5 + std::min(0.5, share), .signals = {signal}});
  }
}

void look_at_all(Look& look) {
  look_at_nulls(look);
  look_at_values(look);
  look_at_texts(look);
  look_at_numbers(look);
  look_at_slices(look);
  look_at_new_pairs(look);
  look_at_dependence(look);
  look_at_relations(look);
  look_at_rows(look);
}

// An alert about a column that has one already becomes part of it.
void add_alerts(const Look& look, Comparison& out) {
  out.tested.insert(out.tested.end(), look.tested.begin(), look.tested.end());
  for (auto& alert : alerts_of(look)) {
    const auto known = std::find_if(out.alerts.begin(), out.alerts.end(), [&](const Alert& other) {
      return !alert.columns.empty() && !other.columns.empty() && other.columns[0] == alert.columns[0];
    });
    if (known == out.alerts.end())
      out.alerts.push_back(std::move(alert));
    else
      known->signals.insert(known->signals.end(), alert.signals.begin(), alert.signals.end());
  }
}

Rule rule_of(const std::string& kind, const std::vector<std::string>& columns, double limit,
             std::set<std::string>& taken) {
  Rule rule{
      .kind = kind, .columns = columns, .unit = "statistic", .severity = Severity::error, .on_fail = OnFail::warn};
  const auto base = fmt::format("{}.{}", columns.empty() ? "rows" : fmt::format("{}", fmt::join(columns, "+")), kind);
  rule.id = base;
  for (int number = 2; !taken.insert(rule.id).second; ++number) rule.id = fmt::format("{}-{}", base, number);
  rule.limit = {.low = 0, .high = limit, .written = "between"};
  return rule;
}

}  // namespace

std::vector<Finding> Comparison::findings() const {
  std::vector<Finding> out;
  std::set<std::string> taken;
  std::set<std::pair<std::string, std::vector<std::string>>> told;
  for (size_t i = 0; i < alerts.size(); ++i) {
    const auto& alert = alerts[i];
    const auto& strongest = alert.signals[0];
    Finding finding{.rule = rule_of(alert.check, alert.columns, strongest.limit, taken),
                    .value = strongest.value,
                    .ok = false,
                    .note = strongest.text};
    finding.effect = strongest.effect, finding.p_value = strongest.p_value, finding.score = alert.score;
    finding.examples = examples[i];
    if (alert.slice) finding.slice = {{alert.slice->column, alert.slice->value}};
    finding.evidence = Json::array();
    for (const auto& signal : alert.signals) {
      told.insert({signal.kind, signal.columns});
      Json one{{"check", signal.kind},
               {"columns", signal.columns},
               {"value", signal.value},
               {"limit", signal.limit},
               {"text", signal.text}};
      if (signal.slice) one["slice"] = {{signal.slice->column, signal.slice->value}};
      finding.evidence.push_back(std::move(one));
    }
    out.push_back(std::move(finding));
  }
  for (const auto& one : tested) {
    const bool ok = one.value <= one.limit;
    if ((one.columns.size() > 1 && ok) || told.contains({one.kind, one.columns})) continue;
    Finding finding{
        .rule = rule_of(one.kind, one.columns, one.limit, taken), .value = one.value, .ok = ok, .decides = ok};
    finding.effect = one.effect, finding.p_value = one.p_value;
    out.push_back(std::move(finding));
  }
  return out;
}

Result<Comparison> compare_files(engine::Engine& session, const CompareRequest& request) {
  SampleRequest wanted{request.reference, request.batch, request.masked};
  MILLRACE_TRY(auto read, read_sample(session, wanted));
  Comparison out{.rows = read.sample.batch_total};
  add_changes(read, out);
  const auto& sample = read.sample;
  if (sample.reference_rows >= kLeastRows && sample.batch_rows() >= kLeastRows) {
    Look look(sample);
    look_at_all(look);
    std::vector<char> drop(sample.reference_rows, 0);
    std::vector<Signal> gone;
    for (const auto& signal : look.signals)
      if (signal.gone >= 0) gone.push_back(signal);
    for (const auto& signal : gone)
      for (size_t r = 0; r < sample.reference_rows; ++r)
        if (sample.find(signal.columns[0])->codes[r] == signal.gone) drop[r] = 1;
    // Whatever else differs because those rows are gone is no fault of its own: the rest is compared without them.
    const auto left = sample.reference_rows - static_cast<size_t>(std::count(drop.begin(), drop.end(), 1));
    const Sample rest = !gone.empty() && left >= kLeastRows ? without(sample, drop) : Sample{};
    if (rest.reference_rows > 0) {
      Look again(rest);
      look_at_all(again);
      again.signals.insert(again.signals.end(), gone.begin(), gone.end());
      for (auto& signal : again.signals)
        for (auto& row : signal.rows)
          if (signal.gone < 0) row += sample.reference_rows - rest.reference_rows;
      add_alerts(again, out);
    } else {
      add_alerts(look, out);
    }
  }
  std::stable_sort(out.alerts.begin(), out.alerts.end(),
                   [](const Alert& a, const Alert& b) { return a.score > b.score; });
  for (const auto& alert : out.alerts) {
    Json rows = Json::array();
    for (const auto& signal : alert.signals)
      for (const size_t row : signal.rows)
        if (rows.size() < 5) rows.push_back(example(sample, request.batch, alert, row));
    out.examples.push_back(std::move(rows));
  }
  return out;
}

}  // namespace millrace::data::compare
