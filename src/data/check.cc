#include "data/check.h"

#include <cmath>

#include <fmt/format.h>

#include "data/key_scan.h"
#include "data/row_split.h"
#include "stats/interval.h"

namespace millrace::data {
namespace {

constexpr int kExamples = 5;
constexpr size_t kSlices = 10'000, kSlicesShown = 20;
constexpr size_t kExampleBytes = 200;

class Check {
 public:
  Check(engine::Engine& session, const CheckRequest& request, const Object& object, std::vector<Rule> rules)
      : session_(session),
        request_(request),
        object_(object),
        rules_(std::move(rules)),
        plan_(session, request.parser == nullptr ? session : *request.parser, object_, rules_) {}

  Result<CheckReport> run() {
    describe();
    complete_rules();
    MILLRACE_DO(refuse_elsewhere());
    if (!request_.profile)
      for (auto& rule : rules_)
        if (rule.skipped.empty() && is_by_history(rule))
          rule.skipped = "it is judged by the profile, which was not wanted";
    plan_.read_with(request_.inputs);
    MILLRACE_TRY(const auto problems, plan_.match(request_.files, request_.file_names));
    MILLRACE_DO(judge_schema(problems));
    if (!problems.empty()) return std::move(report_);
    drop_declared_references();
    MILLRACE_DO(plan_.prepare(request_.references));
    MILLRACE_DO(scan());
    MILLRACE_DO(find_examples());
    MILLRACE_DO(split_rows());
    return std::move(report_);
  }

 private:
  void describe() {
    report_.contract_id = request_.contract->id;
    report_.contract_version = request_.contract->version;
    report_.contract_digest = request_.contract->digest;
    report_.object = object_.name;
    report_.engine = session_.describe();
  }

  // A rate of rows without a period needs a time column; the first one that the object has.
  void complete_rules() {
    for (auto& rule : rules_) {
      if (rule.kind != "row_count" || !rule.parameters.contains("per") || !rule.columns.empty()) continue;
      for (const auto& property : object_.properties)
        if (rule.columns.empty() && (property.type == LogicalType::timestamp || property.type == LogicalType::date))
          rule.columns = {property.name};
    }
  }

  // What this engine cannot judge is said before anything is read.
  Result<void> refuse_elsewhere() const {
    const auto engine = session_.dialect().engine();
    for (const auto& rule : rules_) {
      const auto& on = find_check_kind(rule.kind)->runs_on;
      if (!rule.skipped.empty() || std::find(on.begin(), on.end(), engine) != on.end()) continue;
      return Error{Code::unsupported, fmt::format("the rule {} ({}) does not run on {}", rule.id, rule.kind, engine)}
          .at(rule.where)
          .hint(fmt::format("it runs on {}", fmt::join(on, ", ")));
    }
    return {};
  }

  // A relationship that the schema only declares is looked up when its table is at hand, and reported as skipped when
  // not.
  void drop_declared_references() {
    for (auto& rule : rules_) {
      const auto dataset = rule.kind == "foreign_key" ? string_or(rule.parameters["reference"], "dataset", "") : "";
      if (!rule.parameters.value("declared", false) || request_.references.contains(dataset)) continue;
      rule.skipped = fmt::format("no reference '{}' was given", dataset);
    }
  }

  Result<void> judge_schema(const std::vector<SchemaProblem>& problems) {
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
      report_.findings.push_back(std::move(finding));
    }
    if (problems.empty()) return {};
    report_.verdict = "rejected";
    report_.reason = problems[0].message;
    for (const auto& file : plan_.files()) {
      MILLRACE_TRY(const auto counted, plan_.query(fmt::format("SELECT count(*) FROM ({})", select_from(file, false))));
      report_.rows += counted.integer(0, 0);
    }
    report_.profile.rows = report_.rows;
    return {};
  }

  Result<void> scan() {
    BatchScan rows;
    std::unique_ptr<Profiler> profiler;
    std::vector<std::string> aggregates{"count(*)"};
    if (request_.profile) {
      MILLRACE_TRY(auto edges, choose_edges(plan_, object_, request_.profile_before));
      profiler = make_profiler(plan_, object_, std::move(edges));
      aggregates = profiler->aggregates();
      profiler->add_to(rows);
    }
    const size_t asked = aggregates.size();
    for (const auto& rule : rules_) {
      if (!rule.skipped.empty()) continue;
      for (auto& sql : asked_of(rule)) aggregates.push_back(std::move(sql));
      if (find_check_kind(rule.kind)->by_key && plan_.scanner() != nullptr) keys_.add(rule.id, rule.columns, rows);
    }
    MILLRACE_TRY(const auto answer,
                 plan_.query(fmt::format("SELECT {} {}", fmt::join(aggregates, ", "), plan_.relation())));
    MILLRACE_DO(plan_.scan(rows));
    if (profiler != nullptr) {
      MILLRACE_TRY(report_.profile, profiler->finish(answer, 0));
    }
    report_.rows = report_.profile.rows = answer.integer(0, 0);
    return judge(answer, asked);
  }

  std::vector<std::string> asked_of(const Rule& rule) const {
    const auto* kind = find_check_kind(rule.kind);
    return kind->aggregates == nullptr ? std::vector<std::string>{} : kind->aggregates(rule, plan_);
  }

  Result<void> judge(const engine::Table& answer, size_t at) {
    const BatchFacts facts{.rows = report_.rows,
                           .period_from = request_.period_from,
                           .period_to = request_.period_to,
                           .now = request_.now,
                           .profile = request_.profile ? &report_.profile : nullptr,
                           .history = &request_.history,
                           .anomaly_rules = static_cast<size_t>(std::count_if(
                               rules_.begin(), rules_.end(), [](const Rule& r) { return r.kind == "anomaly"; }))};
    for (const auto& rule : rules_) {
      Finding finding{.rule = rule};
      if (rule.skipped.empty()) {
        const auto* kind = find_check_kind(rule.kind);
        Integers integers(asked_of(rule).size());
        for (auto& integer : integers) {
          if (!answer.is_null(0, at)) integer = answer.integer(0, at);
          ++at;
        }
        std::vector<engine::Table> tables;
        MILLRACE_TRY(const auto repeated, keys_.repeated(rule.id));
        if (repeated) {
          integers = {*repeated};
        } else {
          MILLRACE_TRY(tables, ask_further(rule, *kind));
        }
        const Outcome outcome =
            tables.empty() ? kind->finish(rule, integers, facts) : kind->conclude(rule, tables, facts);
        finding.value = outcome.value;
        finding.failing = outcome.failing;
        finding.about_rows = kind->violation != nullptr;
        finding.note = outcome.note;
        finding.of = outcome.of, finding.effect = outcome.effect, finding.p_value = outcome.p_value;
        finding.interval = outcome.interval;
        if (finding.about_rows && !finding.interval) add_interval(finding);
        finding.ok = !outcome.value || rule.limit.holds(*outcome.value);
        if (kind->by_slice && rule.parameters.contains("by")) MILLRACE_DO(judge_slices(*kind, facts, finding));
      }
      report_.findings.push_back(std::move(finding));
    }
    return {};
  }

  // The rule once more in each slice: it holds when it holds in all of them.
  Result<void> judge_slices(const CheckKind& kind, BatchFacts facts, Finding& finding) {
    const auto& rule = finding.rule;
    std::string by;
    std::vector<std::string> names;
    for (const auto& column : rule.parameters["by"]) {
      names.push_back(column.get<std::string>());
      by += (by.empty() ? "" : ", ") + plan_.value(names.back());
    }
    const auto aggregates = kind.aggregates(rule, plan_);
    MILLRACE_TRY(
        const auto found,
        plan_.query(fmt::format("SELECT {0}, count(*), {1} {2} GROUP BY {0} ORDER BY count(*) DESC, {0} LIMIT {3}", by,
                                fmt::join(aggregates, ", "), plan_.relation(), kSlices + 1)));
    if (found.rows() > kSlices)
      return Error{Code::too_large, fmt::format("'by' of {} makes more than {} slices", rule.id, kSlices)}
          .at(rule.where)
          .hint("name columns with fewer values");
    std::vector<std::pair<double, Json>> slices;
    for (size_t row = 0; row < found.rows(); ++row) {
      Integers integers(aggregates.size());
      for (size_t i = 0; i < integers.size(); ++i)
        if (const size_t at = names.size() + 1 + i; !found.is_null(row, at)) integers[i] = found.integer(row, at);
      facts.rows = found.integer(row, names.size());
      const auto outcome = kind.finish(rule, integers, facts);
      if (!outcome.value) continue;
      const bool ok = rule.limit.holds(*outcome.value);
      Json slice = Json::object();
      for (size_t i = 0; i < names.size(); ++i)
        slice[names[i]] = plan_.property(names[i]).is_masked() ? Json("(masked)") : found.json(row, i);
      slices.emplace_back(
          ok ? -1 : std::abs(*outcome.value - *finding.value),
          Json{{"slice", std::move(slice)}, {"value", *outcome.value}, {"rows", facts.rows}, {"ok", ok}});
      finding.ok = finding.ok && ok;
    }
    // Engines order equal ones differently, and nulls.
    const auto place = [](const std::pair<double, Json>& one) {
      return std::tuple(-one.first, -one.second["rows"].get<int64_t>(), to_text(one.second["slice"]));
    };
    std::sort(slices.begin(), slices.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
    if (slices.size() > kSlicesShown) slices.resize(kSlicesShown);
    for (auto& [away, slice] : slices) finding.slices.push_back(std::move(slice));
    return {};
  }

  // Of a share of rows: Wilson's.
  void add_interval(Finding& finding) const {
    const auto rows = finding.of > 0 ? finding.of : report_.rows;
    const auto interval = stats::wilson(std::min(finding.failing, rows), rows);
    const double unit = finding.rule.unit == "percent" ? 100
                        : finding.rule.unit == "rows"  ? static_cast<double>(rows)
                                                       : 1;
    if (interval) finding.interval = {interval->low * unit, interval->high * unit};
  }

  Result<std::vector<engine::Table>> ask_further(const Rule& rule, const CheckKind& kind) {
    std::vector<engine::Table> tables;
    if (kind.queries == nullptr) return tables;
    for (const auto& select : kind.queries(rule, plan_)) {
      auto table = plan_.query(select);
      if (!table) {
        auto error = std::move(table).error();
        error.while_doing("judging the rule " + rule.id);
        if (rule.kind == "sql") error.at(rule.where);
        return error;
      }
      tables.push_back(*std::move(table));
    }
    return tables;
  }

  Json example_values(const engine::Table& rows, size_t row, const std::vector<std::string>& columns) const {
    Json values = Json::object();
    for (size_t i = 0; i < columns.size(); ++i) {
      const bool masked = plan_.property(columns[i]).is_masked() && !rows.is_null(row, i + 2);
      auto value = masked ? Json("(masked)") : rows.json(row, i + 2);
      if (value.is_string() && value.get_ref<std::string&>().size() > kExampleBytes)
        value = value.get<std::string>().substr(0, kExampleBytes) + "...";
      values[columns[i]] = std::move(value);
    }
    return values;
  }

  Result<void> find_examples() {
    for (auto& finding : report_.findings) {
      if (!finding.about_rows || finding.failing == 0 || (finding.ok && !finding.rule.acts_on_rows())) continue;
      auto columns = finding.rule.columns;
      if (columns.empty())
        for (const auto& property : object_.properties) columns.push_back(property.name);
      std::string list, names;
      for (const auto& column : columns) {
        const auto name = plan_.dialect().quote_name(column);
        list += fmt::format(", {} AS {}", plan_.raw(column), name);
        names += ", " + name;
      }
      const auto broken = find_check_kind(finding.rule.kind)->violation(finding.rule, plan_);
      MILLRACE_TRY(const auto rows,
                   plan_.query(fmt::format("SELECT millrace_file, millrace_row{} FROM (SELECT millrace_file, "
                                           "millrace_row{}, {} AS millrace_broken {}) WHERE millrace_broken "
                                           "ORDER BY millrace_file, millrace_row LIMIT {}",
                                           names, list, broken, plan_.relation(), kExamples)));
      for (size_t row = 0; row < rows.rows(); ++row)
        finding.examples.push_back({{"file", plan_.files()[static_cast<size_t>(rows.integer(row, 0))].label},
                                    {"row", rows.integer(row, 1)},
                                    {"values", example_values(rows, row, columns)}});
    }
    return {};
  }

  Result<void> split_rows() {
    bool any = false;
    for (const auto& finding : report_.findings) {
      any = any || (finding.failing > 0 && finding.rule.acts_on_rows());
      if (finding.ok || !finding.rule.rejects_batch() || !report_.reason.empty()) continue;
      report_.verdict = "rejected";
      report_.reason = fmt::format("{} is {} (allowed: {})", finding.rule.id, finding.value.value_or(0),
                                   to_text(finding.rule.limit.to_json()));
    }
    if (!report_.reason.empty()) return {};
    const RowSplit rows(plan_, object_, rules_);
    Split split{.accepted = report_.rows};
    if (!request_.out_folder.empty()) {
      MILLRACE_TRY(split, rows.write(report_.rows, request_.out_folder));
    } else if (any) {
      MILLRACE_TRY(split, rows.count(report_.rows));
    }
    report_.accepted = split.accepted;
    report_.quarantined = split.quarantined;
    report_.dropped = split.dropped;
    report_.accepted_file = split.accepted_file;
    report_.quarantine_file = split.quarantine_file;
    report_.verdict = split.quarantined + split.dropped > 0 ? "quarantined" : "accepted";
    return {};
  }

  engine::Engine& session_;
  const CheckRequest& request_;
  const Object& object_;
  std::vector<Rule> rules_;
  Plan plan_;
  KeyScan keys_{plan_};
  CheckReport report_;
};

}  // namespace

bool CheckReport::passed() const {
  return std::all_of(findings.begin(), findings.end(),
                     [](const Finding& f) { return f.ok || !f.decides || !f.rule.skipped.empty(); });
}

Result<CheckReport> check_batch(engine::Engine& session, const CheckRequest& request) {
  MILLRACE_TRY(const auto* object, request.contract->object(request.object));
  MILLRACE_TRY(auto rules, rules_of(*request.contract, *object));
  auto report = Check(session, request, *object, std::move(rules)).run();
  if (!report) report.error().while_doing("checking the batch");
  return report;
}

}  // namespace millrace::data
