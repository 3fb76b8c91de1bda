#include "data/check.h"

#include <fmt/format.h>

#include "data/column_order.h"
#include "data/judgement.h"
#include "data/profiles/key_scan.h"

namespace millrace::data {
namespace {

class Check {
 public:
  Check(engine::Engine& session, const CheckRequest& request, const Object& object, std::vector<Rule> rules)
      : session_(session),
        request_(request),
        object_(object),
        rules_(std::move(rules)),
        plan_(session, request.parser == nullptr ? session : *request.parser, object_, rules_) {}

  Result<CheckReport> run() {
    report_ = begin_report(request_, object_, session_.describe());
    MILLRACE_DO(settle_rules(request_, object_, session_.dialect().engine(), rules_));
    plan_.read_with(request_.inputs);
    MILLRACE_TRY(const auto problems, plan_.match(request_.files, request_.file_names));
    judge_schema(problems, report_);
    report_.moved_columns = moved_columns(object_, plan_.files());
    if (!problems.empty()) return count_rows();
    MILLRACE_DO(plan_.prepare(request_.references));
    MILLRACE_DO(scan());
    MILLRACE_DO(find_examples());
    MILLRACE_DO(split_rows());
    return std::move(report_);
  }

 private:
  Result<CheckReport> count_rows() {
    for (const auto& file : plan_.files()) {
      MILLRACE_TRY(const auto counted, plan_.query(fmt::format("SELECT count(*) FROM ({})", select_from(file, false))));
      report_.rows += counted.integer(0, 0);
    }
    report_.profile.rows = report_.rows;
    return std::move(report_);
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
    return judge_rules(answer, asked);
  }

  std::vector<std::string> asked_of(const Rule& rule) const {
    const auto* kind = find_check_kind(rule.kind);
    return kind->aggregates == nullptr ? std::vector<std::string>{} : kind->aggregates(rule, plan_);
  }

  Result<void> judge_rules(const engine::Table& answer, size_t at) {
    const BatchFacts facts = facts_of(request_, report_, rules_);
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
        finding = judge(rule, outcome, report_.rows);
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
                                fmt::join(aggregates, ", "), plan_.relation(), slices_most + 1)));
    if (found.rows() > slices_most) return too_many_slices(rule);
    SliceJudge slices(finding);
    for (size_t row = 0; row < found.rows(); ++row) {
      Integers integers(aggregates.size());
      for (size_t i = 0; i < integers.size(); ++i)
        if (const size_t at = names.size() + 1 + i; !found.is_null(row, at)) integers[i] = found.integer(row, at);
      facts.rows = found.integer(row, names.size());
      Json slice = Json::object();
      for (size_t i = 0; i < names.size(); ++i)
        slice[names[i]] = plan_.property(names[i]).is_masked() ? Json("(masked)") : found.json(row, i);
      slices.add(std::move(slice), facts.rows, kind.finish(rule, integers, facts));
    }
    slices.tell();
    return {};
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
    for (size_t i = 0; i < columns.size(); ++i)
      values[columns[i]] = example_value(rows.json(row, i + 2), plan_.property(columns[i]).is_masked());
    return values;
  }

  Result<void> find_examples() {
    for (auto& finding : report_.findings) {
      if (!wants_examples(finding)) continue;
      const auto columns = example_columns(finding, object_);
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
                                           names, list, broken, plan_.relation(), examples_shown)));
      for (size_t row = 0; row < rows.rows(); ++row)
        finding.examples.push_back({{"file", plan_.files()[static_cast<size_t>(rows.integer(row, 0))].label},
                                    {"row", rows.integer(row, 1)},
                                    {"values", example_values(rows, row, columns)}});
    }
    return {};
  }

  Result<void> split_rows() {
    if (is_rejected(report_)) return {};
    const RowSplit rows(plan_, object_, rules_);
    Split split{.accepted = report_.rows};
    if (!request_.out_folder.empty()) {
      MILLRACE_TRY(split, rows.write(report_.rows, request_.out_folder));
    } else if (acts_on_rows(report_)) {
      MILLRACE_TRY(split, rows.count(report_.rows));
    }
    accept(split, report_);
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

Result<CheckReport> check_batch(engine::Engine& session, const CheckRequest& request) {
  MILLRACE_TRY(const auto* object, request.contract->object(request.object));
  MILLRACE_TRY(auto rules, rules_of(*request.contract, *object));
  auto report = Check(session, request, *object, std::move(rules)).run();
  if (!report) report.error().while_doing("checking the batch");
  return report;
}

}  // namespace millrace::data
