#include "monitor/alert/headline.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "core/limits.h"

namespace millrace::monitor {
namespace {

constexpr std::string_view kColumns =
    "id, deployment, kind, subject, arm, version, severity, state, value, limit_value, window_from, window_to, "
    "pending_at, fired_at, resolved_at, cause, cause_kind";

Headline headline_of(const store::Row& row) {
  return {.id = row.text(0),
          .deployment = row.text(1),
          .kind = row.text(2),
          .subject = row.text(3),
          .arm = row.text(4),
          .version = row.integer(5),
          .severity = row.text(6),
          .state = row.text(7),
          .value = row.real(8),
          .limit = row.real(9),
          .from = row.integer(10),
          .to = row.integer(11),
          .pending_at = row.integer(12),
          .fired_at = row.integer(13),
          .resolved_at = row.integer(14),
          .cause = row.text(15),
          .cause_kind = row.text(16)};
}

Result<std::vector<Headline>> select(store::Session& session, const std::string& rest, const store::Values& values) {
  MILLRACE_TRY(const auto rows, session.query(fmt::format("SELECT {} FROM alerts WHERE {}", kColumns, rest), values));
  std::vector<Headline> out;
  out.reserve(rows.size());
  for (const auto& row : rows) out.push_back(headline_of(row));
  return out;
}

std::string number(std::string_view kind, double value) {
  if (kind == "latency")
    return value >= 1000 ? fmt::format("{:.3g} ms", value / 1000) : fmt::format("{:.0f} us", value);
  if (kind == "nulls" || kind == "refusals" || kind == "quarantine") return fmt::format("{:.2f} percent", value * 100);
  return fmt::format("{:.3g}", value);
}

}  // namespace

std::string metric_words(std::string_view metric) {
  static const std::map<std::string_view, std::string_view> kWords{{"auc", "AUC"},
                                                                   {"log_loss", "log loss"},
                                                                   {"brier", "Brier score"},
                                                                   {"calibration_error", "calibration error"},
                                                                   {"base_rate", "base rate"},
                                                                   {"mean_score", "mean score"}};
  const auto found = kWords.find(metric);
  return std::string(found == kWords.end() ? metric : found->second);
}

std::string title_of(std::string_view kind, const std::string& subject, int64_t version) {
  const auto of_version = version == 0 ? std::string() : fmt::format(" of version {}", version);
  if (kind == "drift") return "drift of " + subject + of_version;
  if (kind == "performance") return metric_words(subject) + of_version;
  if (kind == "refusals") return "requests refused for " + subject;
  if (kind == "nulls") return "missing values in " + subject;
  if (kind == "quarantine") return "rows set aside in " + subject;
  if (kind == "latency") return subject.substr(0, subject.find("_us")) + " latency" + of_version;
  return std::string(kind) + " " + subject + of_version;
}

std::string Headline::title() const { return title_of(kind, subject, version); }

std::string Headline::words() const {
  return fmt::format("{}: {}, the limit is {}", title(), number(kind, value), number(kind, limit));
}

Json Headline::to_json() const {
  return {{"id", id},
          {"node", "alert:" + id},
          {"deployment", deployment},
          {"kind", kind},
          {"subject", subject},
          {"arm", arm},
          {"version", version},
          {"severity", severity},
          {"state", state},
          {"title", title()},
          {"at", at() == 0 ? Json(nullptr) : Json(to_iso(at()))},
          {"value", value},
          {"limit", limit}};
}

bool is_worse(const Headline& one, const Headline& other) {
  const auto rank = [](const Headline& each) {
    return (each.severity == "page" ? 4 : 0) + (each.state == "firing" ? 2 : each.state == "acknowledged" ? 1 : 0);
  };
  if (rank(one) != rank(other)) return rank(one) > rank(other);
  return one.id > other.id;
}

Result<std::vector<Headline>> open_headlines(store::Session& session, const std::string& workspace,
                                             const std::string& deployment) {
  MILLRACE_TRY(auto out, headlines(session, workspace, {.deployment = deployment, .state = "open"},
                                   static_cast<int64_t>(limits::page_size)));
  std::sort(out.begin(), out.end(), is_worse);
  return out;
}

Result<std::vector<Headline>> headlines(store::Session& session, const std::string& workspace,
                                        const HeadlineFilter& filter, int64_t most) {
  std::string where = "workspace = ?";
  store::Values values{workspace};
  const auto also = [&](std::string_view condition, store::Value value) {
    where += fmt::format(" AND {}", condition);
    values.push_back(std::move(value));
  };
  if (!filter.deployment.empty()) also("deployment = ?", filter.deployment);
  if (filter.state == "open") also("state <> ?", std::string("resolved"));
  if (!filter.state.empty() && filter.state != "open") also("state = ?", filter.state);
  if (!filter.severity.empty()) also("severity = ?", filter.severity);
  if (!filter.subject.empty()) also("subject = ?", filter.subject);
  if (!filter.kind.empty()) also("kind = ?", filter.kind);
  if (!filter.cause.empty()) also("cause = ?", filter.cause);
  if (filter.from != 0) also("pending_at >= ?", filter.from);
  if (filter.to != 0) also("pending_at < ?", filter.to);
  values.emplace_back(most);
  return select(session, where + " ORDER BY id DESC LIMIT ?", values);
}

}  // namespace millrace::monitor
