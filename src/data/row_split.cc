#include "data/row_split.h"

#include <cstdio>
#include <filesystem>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/files.h"

namespace millrace::data {
namespace {

constexpr char kSeparator = 31;  // of ids, which cannot hold it: it is no printable character

}  // namespace

RowSplit::RowSplit(const Plan& plan, const Object& object, const std::vector<Rule>& rules)
    : plan_(plan), object_(object) {
  for (const auto& rule : rules)
    if (rule.skipped.empty() && rule.acts_on_rows() && find_check_kind(rule.kind)->violation != nullptr)
      rules_.push_back(&rule);
}

std::string RowSplit::reasons(OnFail on_fail) const {
  std::vector<std::string> parts;
  for (const auto* rule : rules_)
    if (rule->on_fail == on_fail)
      parts.push_back(fmt::format("CASE WHEN {} THEN {} END", find_check_kind(rule->kind)->violation(*rule, plan_),
                                  plan_.dialect().quote_text(rule->id)));
  if (parts.empty()) return "NULL";
  return fmt::format("nullif(concat_ws(chr({}), {}), '')", static_cast<int>(kSeparator), fmt::join(parts, ", "));
}

std::string RowSplit::flagged() const {
  return fmt::format("SELECT millrace_batch.*, {} AS millrace_quarantine, {} AS millrace_drop {}",
                     plan_.dialect().cast(reasons(OnFail::quarantine), engine::SqlType::text),
                     plan_.dialect().cast(reasons(OnFail::drop), engine::SqlType::text), plan_.relation());
}

Result<Split> RowSplit::count(int64_t rows) const {
  if (rules_.empty()) return Split{.accepted = rows};
  MILLRACE_TRY(const auto found,
               plan_.query(fmt::format("SELECT count(millrace_quarantine), count(CASE WHEN millrace_quarantine IS NULL "
                                       "THEN millrace_drop END) FROM ({})",
                                       flagged())));
  Split split{.quarantined = found.integer(0, 0), .dropped = found.integer(0, 1)};
  split.accepted = rows - split.quarantined - split.dropped;
  return split;
}

Result<Split> RowSplit::write(int64_t rows, const std::string& folder) const {
  if (plan_.dialect().engine() != "duckdb")
    return Error{Code::unsupported,
                 fmt::format("{} judges a batch but does not part its rows", plan_.dialect().engine())}
        .hint("take the batch in with duckdb");
  std::string typed, came;
  for (const auto& property : object_.properties) {
    typed += fmt::format("{}{}", typed.empty() ? "" : ", ", plan_.dialect().quote_name(property.name));
    const auto raw = plan_.raw(property.name);
    came += fmt::format(", {} AS {}", raw.substr(raw.find('.') + 1), plan_.dialect().quote_name(property.name));
  }
  MILLRACE_TRY(Split split, count(rows));
  const std::string accepted = folder + "/accepted.parquet", quarantine = folder + "/quarantine.parquet";
  const auto copy = [&](const std::string& list, const std::string& where, const std::string& file) {
    return plan_.execute(
        fmt::format("COPY (SELECT {} FROM ({}) WHERE {} ORDER BY millrace_file, millrace_row) TO {} ({})", list,
                    flagged(), where, engine::quote_text(file + ".part"), engine::copy_options()));
  };
  const auto write_both = [&]() -> Result<void> {
    MILLRACE_TRY(const auto first, copy(typed, "millrace_quarantine IS NULL AND millrace_drop IS NULL", accepted));
    if (first != split.accepted)
      return Error{Code::internal, fmt::format("{} rows were written, {} are accepted", first, split.accepted)};
    if (split.quarantined == 0) return {};
    MILLRACE_TRY(const auto second, copy(fmt::format("millrace_file, millrace_row, {} AS millrace_reasons{}",
                                                     plan_.dialect().split("millrace_quarantine", kSeparator), came),
                                         "millrace_quarantine IS NOT NULL", quarantine));
    (void)second;
    return {};
  };
  const auto publish = [&](const std::string& file) -> Result<void> {
    MILLRACE_DO(flush_file(file + ".part"));
    if (std::rename((file + ".part").c_str(), file.c_str()) != 0) return file_error("writing", file, errno);
    return {};
  };
  auto done = write_both();
  FAULT_POINT("data.split.written");
  if (done && split.quarantined > 0) done = publish(quarantine);
  if (done) done = publish(accepted);
  if (!done) {
    std::error_code ignored;
    for (const auto& file : {accepted, quarantine}) std::filesystem::remove(file + ".part", ignored);
    return done.error();
  }
  MILLRACE_DO(flush_folder(folder));
  split.accepted_file = accepted;
  if (split.quarantined > 0) split.quarantine_file = quarantine;
  return split;
}

}  // namespace millrace::data
