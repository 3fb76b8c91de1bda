// Runs, model versions, their gates with value, interval and limit, and who let them out.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/parts.h"
#include "report/render.h"
#include "report/svg/bars.h"
#include "report/words.h"

namespace millrace::report {
namespace {

constexpr size_t kVersions = 12;

// An axis that holds value, interval and limit: shares from 0 to 1, all else with room around it.
Html gauge_of(const Json& value, bool ok, const std::string& name) {
  const double at = number_in(value, "value"), low = number_in(value, "low"), high = number_in(value, "high"),
               limit = number_in(value, "limit");
  if (!std::isfinite(at)) return text(kUnknown);
  double from = at, to = at;
  for (const double known : {low, high, limit})
    if (std::isfinite(known)) {
      from = std::min(from, known);
      to = std::max(to, known);
    }
  const double pad = std::max((to - from) * 0.4, std::fabs(at) * 0.02 + 1e-9);
  return draw(svg::Gauge{.summary = fmt::format("{}: {}, limit {}", name, with_interval(value, 3), decimal(limit, 3)),
                         .value = at,
                         .low = low,
                         .high = high,
                         .limit = limit,
                         .from = from - pad,
                         .to = to + pad,
                         .good = ok});
}

std::vector<Html> gate_row(const Json& gate) {
  const bool ok = gate.value("ok", false);
  const auto name = string_or(gate, "kind", "");
  const auto* value = find(gate, "value");
  std::vector<Html> out{text(name), chip(ok ? "good" : "bad", ok ? "pass" : "FAIL")};
  if (value != nullptr && value->is_object()) {
    out.push_back(gauge_of(*value, ok, name));
    out.push_back(text(with_interval(*value, 3)));
    out.push_back(text(decimal(number_in(*value, "limit"), 3)));
    out.push_back(text(count(number_in(*value, "n"))));
  } else {
    out.push_back(text(""));
    out.push_back(
        text(value != nullptr && value->is_number() ? decimal(value->get<double>(), 4) : std::string(kUnknown)));
    out.push_back(text(kUnknown));
    out.push_back(text(kUnknown));
  }
  out.push_back(text(string_or(gate, "reason", "")));
  return out;
}

Html gates_of(const Json& version) {
  Table out{.caption = fmt::format("Gates of {}", string_or(version, "node", "")),
            .columns = {{"gate"},
                        {"verdict"},
                        {"value and limit"},
                        {"value (95 % interval)"},
                        {"limit", true},
                        {"rows", true},
                        {"why"}}};
  for (const auto& gate : list_in(version, "gates")) out.rows.push_back(gate_row(gate));
  if (out.rows.empty())
    return nothing("Its gates were not evaluated.",
                   fmt::format("millrace model gates {} {}", string_or(version, "model", "MODEL"),
                               integer_or(version, "version", 0)));
  return table(out);
}

Html approvals_of(const Json& version) {
  Html list;
  for (const auto& approval : list_in(version, "approvals")) {
    const bool holds = approval.value("holds", true);
    list += element("li", chip(holds ? "good" : "warn", holds ? "approved" : "no longer holds") + " " +
                              text(fmt::format("by {} on {}: {} (covers ", string_or(approval, "subject", ""),
                                               moment(time_in(approval, "at")), string_or(approval, "why", ""))) +
                              digest_code(string_or(approval, "covers", "")) + ")");
  }
  if (list.empty()) return paragraph("Nobody has approved it.");
  return element("ul", {{"class", "plain"}}, list);
}

Html digests_of(const Json& version) {
  Html list;
  for (const auto& [name, digest] : object_in(version, "digests").items())
    if (digest.is_string() && !digest.get<std::string>().empty())
      list += element("span", {{"class", "pair"}}, text(name + " ") + digest_code(digest.get<std::string>()));
  return element("p", {{"class", "digests"}}, text("Stands on ") + list);
}

Html version_of(const Json& version, bool open) {
  const auto state = string_or(version, "state", "");
  const auto kind = state == "approved" ? "good" : state == "gates_failed" ? "bad" : "plain";
  auto words_of_state = state;
  std::replace(words_of_state.begin(), words_of_state.end(), '_', ' ');
  auto head =
      element("strong",
              text(fmt::format("{} version {}", string_or(version, "model", ""), integer_or(version, "version", 0)))) +
      " " + chip(kind, words_of_state) + " " +
      words("span", "muted",
            fmt::format("by {}, {}", string_or(version, "author", ""), moment(time_in(version, "created_at"))));
  Attributes attributes{{"class", "card"}};
  if (open) attributes.emplace_back("open", "");
  return element("details", attributes,
                 element("summary", head) + approvals_of(version) + gates_of(version) + digests_of(version));
}

Html runs_of(const Facts& facts) {
  Table out{.caption = "The pipeline's newest finished runs",
            .columns = {{"stage"}, {"state"}, {"took", true}, {"ended"}, {"run"}, {"key"}}};
  for (const auto& run : list_in(facts.all(), "runs")) {
    const auto began = time_in(run, "started_at"), ended = time_in(run, "ended_at");
    auto row =
        cells({string_or(run, "stage", ""), string_or(run, "state", ""),
               began != 0 && ended >= began ? span(static_cast<double>(ended - began) / 1e6) : std::string(kUnknown),
               moment(ended)});
    row.push_back(digest_code(string_or(run, "run_id", "")));
    row.push_back(digest_code(string_or(run, "key", "")));
    out.rows.push_back(std::move(row));
  }
  return words("h3", "Runs") + (out.rows.empty() ? nothing("No stage has run.", "millrace run") : table(out));
}

}  // namespace

Html write_models(const Facts& facts) {
  std::vector<const Json*> versions;
  for (const auto& version : list_in(facts.all(), "models")) versions.push_back(&version);
  std::stable_sort(versions.begin(), versions.end(),
                   [](const Json* a, const Json* b) { return time_in(*a, "created_at") > time_in(*b, "created_at"); });
  Html out;
  if (versions.empty()) out += nothing("There is no model version yet.", "millrace model register MODEL");
  const size_t shown = std::min(versions.size(), kVersions);
  for (size_t i = 0; i < shown; ++i) out += version_of(*versions[i], i == 0);
  if (shown < versions.size())
    out += paragraph(fmt::format("The newest {} of {} versions are shown.", shown, versions.size()));
  return out + runs_of(facts);
}

}  // namespace millrace::report
