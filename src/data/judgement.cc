#include "data/judgement.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "stats/interval.h"

namespace millrace::data {
namespace {

constexpr size_t kSlicesShown = 20;
constexpr size_t kExampleBytes = 200;

// A rate of rows without a period needs a time column; the first one that the object has.
void find_time_columns(const Object& object, std::vector<Rule>& rules) {
  for (auto& rule : rules) {
    if (rule.kind != "row_count" || !rule.parameters.contains("per") || !rule.columns.empty()) continue;
    for (const auto& property : object.properties)
      if (rule.columns.empty() && (property.type == LogicalType::timestamp || property.type == LogicalType::date))
        rule.columns = {property.name};
  }
}

// What this engine cannot judge is said before anything is read.
Result<void> refuse_elsewhere(std::string_view engine, const std::vector<Rule>& rules) {
  for (const auto& rule : rules) {
    if (!rule.skipped.empty()) continue;
    const auto& on = find_check_kind(rule.kind)->runs_on;
    if (std::find(on.begin(), on.end(), engine) != on.end()) continue;
    return Error{Code::unsupported, fmt::format("the rule {} ({}) does not run on {}", rule.id, rule.kind, engine)}
        .at(rule.where)
        .hint(fmt::format("it runs on {}", fmt::join(on, ", ")));
  }
  return {};
}

// A relationship that the schema only declares is looked up when its table is at hand, and reported as skipped when
// not.
void drop_declared_references(const CheckRequest& request, std::vector<Rule>& rules) {
  for (auto& rule : rules) {
    const auto dataset = rule.kind == "foreign_key" ? string_or(rule.parameters["reference"], "dataset", "") : "";
    if (!rule.parameters.value("declared", false) || request.references.contains(dataset)) continue;
    rule.skipped = fmt::format("no reference '{}' was given", dataset);
  }
}

// Of a share of rows: Wilson's.
void add_interval(int64_t all, Finding& finding) {
  const auto rows = finding.of > 0 ? finding.of : all;
  const auto interval = stats::wilson(std::min(finding.failing, rows), rows);
  const double unit = finding.rule.unit == "percent" ? 100
                      : finding.rule.unit == "rows"  ? static_cast<double>(rows)
                                                     : 1;
  if (interval) finding.interval = {interval->low * unit, interval->high * unit};
}

}  // namespace

Result<void> settle_rules(const CheckRequest& request, const Object& object, std::string_view engine,
                          std::vector<Rule>& rules) {
  find_time_columns(object, rules);
  MILLRACE_DO(refuse_elsewhere(engine, rules));
  if (!request.profile)
    for (auto& rule : rules)
      if (rule.skipped.empty() && is_by_history(rule))
        rule.skipped = "it is judged by the profile, which was not wanted";
  drop_declared_references(request, rules);
  return {};
}

CheckReport begin_report(const CheckRequest& request, const Object& object, std::string engine) {
  CheckReport report;
  report.contract_id = request.contract->id;
  report.contract_version = request.contract->version;
  report.contract_digest = request.contract->digest;
  report.object = object.name;
  report.engine = std::move(engine);
  return report;
}

void judge_schema(const std::vector<SchemaProblem>& problems, CheckReport& report) {
  for (const auto* id : {"schema.columns", "schema.type"}) {
    Finding finding{.rule = {.id = id,
                             .kind = "schema",
                             .limit = {.low = 0, .high = 0, .written = "between"},
                             .unit = "columns",
                             .severity = Severity::error,
                             .on_fail = OnFail::fail}};
    finding.value = 0;
    for (const auto& problem : problems) {
      if (problem.rule != id) continue;
      *finding.value += 1;
      finding.ok = false;
      finding.rule.columns.push_back(problem.column);
      finding.note += (finding.note.empty() ? "" : "; ") + problem.message;
    }
    report.findings.push_back(std::move(finding));
  }
  if (problems.empty()) return;
  report.verdict = "rejected";
  report.reason = problems[0].message;
}

BatchFacts facts_of(const CheckRequest& request, const CheckReport& report, const std::vector<Rule>& rules) {
  return {.rows = report.rows,
          .period_from = request.period_from,
          .period_to = request.period_to,
          .now = request.now,
          .profile = request.profile ? &report.profile : nullptr,
          .history = &request.history,
          .anomaly_rules = static_cast<size_t>(
              std::count_if(rules.begin(), rules.end(), [](const Rule& r) { return r.kind == "anomaly"; }))};
}

Finding judge(const Rule& rule, const Outcome& outcome, int64_t rows) {
  Finding finding{.rule = rule};
  finding.value = outcome.value;
  finding.failing = outcome.failing;
  finding.about_rows = find_check_kind(rule.kind)->violation != nullptr;
  finding.note = outcome.note;
  finding.of = outcome.of, finding.effect = outcome.effect, finding.p_value = outcome.p_value;
  finding.interval = outcome.interval;
  if (finding.about_rows && !finding.interval) add_interval(rows, finding);
  finding.ok = !outcome.value || rule.limit.holds(*outcome.value);
  return finding;
}

void SliceJudge::add(Json slice, int64_t rows, const Outcome& outcome) {
  if (!outcome.value) return;
  const bool ok = finding_.rule.limit.holds(*outcome.value);
  slices_.emplace_back(ok ? -1 : std::abs(*outcome.value - *finding_.value),
                       Json{{"slice", std::move(slice)}, {"value", *outcome.value}, {"rows", rows}, {"ok", ok}});
  finding_.ok = finding_.ok && ok;
}

void SliceJudge::tell() {
  std::stable_sort(slices_.begin(), slices_.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  if (slices_.size() > kSlicesShown) slices_.resize(kSlicesShown);
  for (auto& [away, slice] : slices_) finding_.slices.push_back(std::move(slice));
}

Error too_many_slices(const Rule& rule) {
  return Error{Code::too_large, fmt::format("'by' of {} makes more than {} slices", rule.id, slices_most)}
      .at(rule.where)
      .hint("name columns with fewer values");
}

bool wants_examples(const Finding& finding) {
  return finding.about_rows && finding.failing > 0 && (!finding.ok || finding.rule.acts_on_rows());
}

std::vector<std::string> example_columns(const Finding& finding, const Object& object) {
  auto columns = finding.rule.columns;
  if (columns.empty())
    for (const auto& property : object.properties) columns.push_back(property.name);
  return columns;
}

Json example_value(Json value, bool masked) {
  if (masked && !value.is_null()) return "(masked)";
  if (value.is_string() && value.get_ref<std::string&>().size() > kExampleBytes)
    value = value.get<std::string>().substr(0, kExampleBytes) + "...";
  return value;
}

bool is_rejected(CheckReport& report) {
  for (const auto& finding : report.findings) {
    if (finding.ok || !finding.rule.rejects_batch() || !report.reason.empty()) continue;
    report.verdict = "rejected";
    report.reason = fmt::format("{} is {} (allowed: {})", finding.rule.id, finding.value.value_or(0),
                                to_text(finding.rule.limit.to_json()));
  }
  return !report.reason.empty();
}

bool acts_on_rows(const CheckReport& report) {
  return std::any_of(report.findings.begin(), report.findings.end(),
                     [](const Finding& finding) { return finding.failing > 0 && finding.rule.acts_on_rows(); });
}

void accept(const Split& split, CheckReport& report) {
  report.accepted = split.accepted;
  report.quarantined = split.quarantined;
  report.dropped = split.dropped;
  report.accepted_file = split.accepted_file;
  report.quarantine_file = split.quarantine_file;
  report.verdict = split.quarantined + split.dropped > 0 ? "quarantined" : "accepted";
}

bool CheckReport::passed() const {
  return std::all_of(findings.begin(), findings.end(),
                     [](const Finding& f) { return f.ok || !f.decides || !f.rule.skipped.empty(); });
}

}  // namespace millrace::data
