#include <fmt/format.h>

#include "api/native/reply.h"
#include "api/native/routes.h"

namespace millrace::api::native {
namespace {

Result<int64_t> read_label(const Json& value, const std::string& field) {
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (value == 0 || value == 1) return value == 1 ? 1 : 0;
  return Error{Code::invalid, fmt::format("the label {} is not 0 or 1", to_text(value).substr(0, 50))}
      .at_field(field)
      .hint("1 where the event came true, or will, 0 where not");
}

Result<review::CaseLabel> read_row(const Json& item, size_t index) {
  const auto field = fmt::format("labels[{}]", index);
  if (!item.is_object() || item.size() != 2 || find(item, "row") == nullptr || find(item, "label") == nullptr)
    return Error{Code::invalid, "a label is {row, label}"}.at_field(field).hint(
        R"(write e.g. [{"row": 0, "label": 1}])");
  review::CaseLabel out;
  auto row = get_integer(item, "row");
  if (!row) return std::move(row).error().at_field(field + ".row");
  out.row = *row;
  MILLRACE_TRY(out.label, read_label(item.at("label"), field + ".label"));
  return out;
}

Result<review::Cases::Answer> read_answer(const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"label", "labels", "why"}));
  const auto *one = find(body, "label"), *many = find(body, "labels");
  review::Cases::Answer out{.all = std::nullopt, .labels = {}, .why = string_or(body, "why", "")};
  if ((one == nullptr) == (many == nullptr))
    return Error{Code::invalid, "a case is decided by a label, or by labels of its rows"}.at_field("label").hint(
        R"(send {"label": 0 or 1, "why": ...} or {"labels": [{"row": 0, "label": 1}], "why": ...})");
  if (one != nullptr) {
    MILLRACE_TRY(out.all, read_label(*one, "label"));
    return out;
  }
  if (!many->is_array() || many->size() > serve::kCaseRows)
    return Error{Code::invalid, fmt::format("labels is a list of at most {} rows", serve::kCaseRows)}.at_field(
        "labels");
  for (size_t i = 0; i < many->size(); ++i) {
    MILLRACE_TRY(const auto label, read_row((*many)[i], i));
    out.labels.push_back(label);
  }
  return out;
}

Result<Json> list(Services& s, const Request& in) {
  return s.cases.list(in.caller.workspace, in.query_value("state").value_or(""), in.query_value("after").value_or(""));
}

Result<Json> decide(Services& s, const Request& in) {
  MILLRACE_TRY(const auto answer, read_answer(in));
  return s.cases.decide(in.caller, in.arg("id"), answer);
}

}  // namespace

Routes case_routes(Services& s) {
  const std::string cases = "/api/millrace/v1/cases";
  return {
      {"GET", cases, Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return list(s, in); }); },
       "Requests that people decide, newest first; in ?state=open or decided if given, a page after ?after=."},
      {"GET", cases + "/{id}", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return s.cases.get(in.caller.workspace, in.arg("id")); }); },
       "One case, as the answer 202 named it: open, or decided with the labels, why and by whom."},
      {"POST", cases + "/{id}/decide", Permission::write, kJsonBody, "review.closed", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return decide(s, in); }); },
       "Decide a case: {label: 0 | 1, why} for all of its rows, or {labels: [{row, label}], why}; recorded as labels "
       "of "
       "its prediction."},
  };
}

}  // namespace millrace::api::native
