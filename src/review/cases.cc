#include "review/cases.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/yaml.h"

namespace millrace::review {
namespace {

constexpr std::string_view kPrefix = "case-";

// The id as it is kept: "case-" and a prediction's id; given with or without the first.
std::string whole_id(const std::string& given) {
  return given.starts_with(kPrefix) ? given : std::string(kPrefix) + given;
}
std::string prediction_of(const std::string& id) { return id.substr(kPrefix.size()); }

Error unknown(const std::string& id) {
  return Error{Code::not_found, fmt::format("there is no case '{}'", id.substr(0, 100))}.at_field("id").hint(
      "the answer with status 202 names it; millrace case list shows them");
}

const Json& evidence_of(const Review& review) {
  static const Json none = Json::object();
  return review.subjects.empty() ? none : review.subjects.front().evidence;
}

Json decision_of(const Review& review) {
  if (review.state != "closed") return nullptr;
  return {{"labels", review.answer}, {"why", review.why}, {"by", review.by}, {"at", to_iso(review.closed_at)}};
}

Json facts_of(const Json& evidence) {
  Json out = Json::object();
  for (const auto* key :
       {"deployment", "prediction_id", "rule", "rows", "matched", "release", "arm", "model", "version"})
    if (const auto* value = find(evidence, key)) out[key] = *value;
  return out;
}

std::vector<int64_t> rows_of(const Review& review) {
  std::vector<int64_t> out;
  if (const auto* rows = find(evidence_of(review), "rows"); rows != nullptr && rows->is_array())
    for (const auto& row : *rows)
      if (row.is_number_integer()) out.push_back(row.get<int64_t>());
  return out;
}

// One label for each row of the case, in its order.
Result<std::vector<CaseLabel>> labels_for(const Review& review, const Cases::Answer& answer) {
  const auto rows = rows_of(review);
  std::vector<CaseLabel> out;
  if (answer.all) {
    for (const int64_t row : rows) out.push_back({row, *answer.all});
    return out;
  }
  for (const int64_t row : rows) {
    const auto given = [&](const CaseLabel& label) { return label.row == row; };
    if (std::count_if(answer.labels.begin(), answer.labels.end(), given) != 1)
      return Error{Code::invalid, fmt::format("row {} of the case needs one label", row)}.at_field("labels").hint(
          fmt::format("label each of the rows {} once, or give one label for all", fmt::join(rows, ", ")));
    out.push_back(*std::find_if(answer.labels.begin(), answer.labels.end(), given));
  }
  for (const auto& label : answer.labels)
    if (std::find(rows.begin(), rows.end(), label.row) == rows.end())
      return Error{Code::invalid, fmt::format("row {} is none of the case's", label.row)}.at_field("labels").hint(
          fmt::format("its rows are {}", fmt::join(rows, ", ")));
  return out;
}

Json to_json(const std::vector<CaseLabel>& labels) {
  Json out = Json::array();
  for (const auto& label : labels) out.push_back({{"row", label.row}, {"label", label.label}});
  return out;
}

}  // namespace

Result<void> Cases::open(const serve::LoggedCase& logged, const std::string& request_id) {
  const Caller self{
      .workspace = logged.workspace, .subject = "millrace", .roles = {"admin"}, .via = "job", .request_id = request_id};
  const auto& held = logged.held;
  const auto rows = fmt::format("{}{}", held.rows.size() == 1 ? "row " : "rows ", fmt::join(held.rows, ", "));
  auto what = fmt::format("{}: the rule '{}' sends {} of {} to a person", logged.deployment, held.rule, rows,
                          logged.prediction_id);
  const auto opened = reviews_.open(self, {.kind = std::string(kCase),
                                           .key = serve::case_id(logged.prediction_id),
                                           .cause = "",
                                           .subject = "prediction:" + logged.prediction_id,
                                           .summary = what,
                                           .evidence = {{"what", what},
                                                        {"deployment", logged.deployment},
                                                        {"prediction_id", logged.prediction_id},
                                                        {"rule", held.rule},
                                                        {"rows", held.rows},
                                                        {"matched", held.matched},
                                                        {"release", logged.release},
                                                        {"arm", logged.arm},
                                                        {"model", logged.model},
                                                        {"version", logged.version}},
                                           .event_time = logged.event_time});
  if (!opened) return opened.error();
  return {};
}

Result<std::optional<Review>> Cases::find_review(const std::string& workspace, const std::string& id) const {
  return reviews_.find_by_key(workspace, whole_id(id));
}

Json Cases::shown(const Review& review, bool whole) const {
  Json out = facts_of(evidence_of(review));
  out["id"] = review.key;
  out["state"] = review.state == "closed" ? "decided" : "open";
  out["review"] = review.node();
  out["opened_at"] = to_iso(review.recorded_at);
  out["decision"] = decision_of(review);
  if (!whole) return out;
  out["outputs"] = nullptr;
  if (review.state != "closed") return out;
  // The log may be another server's.
  if (const auto record = find_(string_or(out, "prediction_id", "")))
    if (const auto* outputs = millrace::find(*record, "outputs")) out["outputs"] = *outputs;
  return out;
}

Result<Json> Cases::get(const std::string& workspace, const std::string& id) const {
  MILLRACE_TRY(const auto review, find_review(workspace, id));
  if (review && review->kind == kCase) return shown(*review, true);
  const auto record = find_(prediction_of(whole_id(id)));
  if (!record) return record.error().code() == Code::not_found ? unknown(id) : record.error();
  const auto* held = millrace::find(*record, "case");
  if (held == nullptr || !held->is_object() || string_or(*record, "workspace", "") != workspace) return unknown(id);
  Json out = facts_of(*record);
  for (const auto& [key, value] : held->items()) out[key] = value;
  out["prediction_id"] = string_or(*record, "id", "");
  out["state"] = "open";
  for (const auto* key : {"review", "opened_at", "decision", "outputs"}) out[key] = nullptr;
  return out;
}

Result<Json> Cases::list(const std::string& workspace, const std::string& state, const std::string& after) const {
  if (!state.empty() && state != "open" && state != "decided")
    return Error{Code::invalid, fmt::format("'{}' is no state of a case", state.substr(0, 100))}.at_field("state").hint(
        "there are: open, decided");
  MILLRACE_TRY(const auto page, reviews_.list(workspace, state == "decided" ? "closed" : state, after, kCase));
  Json items = Json::array();
  for (const auto& review : page.items) items.push_back(shown(review, false));
  return Json{{"items", std::move(items)}, {"next", page.next.empty() ? Json(nullptr) : Json(page.next)}};
}

Result<Json> Cases::decide(const Caller& caller, const std::string& id, const Answer& answer) {
  MILLRACE_TRY(const auto review, find_review(caller.workspace, id));
  if (!review || review->kind != kCase) {
    MILLRACE_TRY(const auto known, get(caller.workspace, id));
    return Error{Code::unavailable, fmt::format("the case '{}' is not open for review yet", string_or(known, "id", ""))}
        .hint("try again in a second");
  }
  MILLRACE_TRY(const auto labels, labels_for(*review, answer));
  const auto deployment = string_or(evidence_of(*review), "deployment", "");
  std::vector<monitor::Label> feedback;
  for (const auto& label : labels)
    feedback.push_back(
        {.prediction_id = prediction_of(review->key), .row = label.row, .label = label.label, .event_time = 0});
  const auto record = [&](store::Session& session, const Review&) -> Result<void> {
    auto done = feedback_.record_within(session, caller, deployment, feedback);
    return done ? Result<void>() : std::move(done).error();
  };
  MILLRACE_TRY(const auto closed,
               reviews_.close_case(caller, review->id, {.why = answer.why, .answer = to_json(labels)}, record));
  feedback_.told(deployment, feedback);
  return shown(closed, true);
}

}  // namespace millrace::review
