#include "api/mlflow/table.h"
#include "api/mlflow/trace_json.h"

namespace millrace::api::mlflow {
namespace {

Json wrapped(const traces::Assessment& assessment) { return Json{{"assessment", to_json(assessment)}}; }

Reply create(Request& request, const Services& s) {
  auto in = Body::of(request);
  auto part = in.object("assessment");
  if (!part && !in.failed()) in.text("assessment");
  traces::Assessment wanted;
  if (part) {
    wanted = read_assessment(*part);
    in.check(*part);
  }
  if (in.failed()) return error_reply(in.error());
  wanted.trace_id = request.arg("trace_id");
  return reply_of(s.traces->add_assessment(request.caller, wanted), wrapped);
}

Reply get(Request& request, const Services& s) {
  return reply_of(s.traces->get_assessment(request.caller, request.arg("trace_id"), request.arg("assessment_id")),
                  wrapped);
}

// Protobuf's JSON has a mask as one text with commas and names in camel case; a list of texts is taken too.
std::vector<std::string> read_mask(Body& in) {
  std::vector<std::string> out;
  const auto value = in.any("update_mask");
  if (value.is_object()) {
    auto part = in.object("update_mask");
    out = part->texts("paths");
    in.check(*part);
    return out;
  }
  const auto text = in.text("update_mask");
  for (size_t from = 0; from <= text.size() && !text.empty();) {
    const auto to = std::min(text.find(',', from), text.size());
    std::string name;
    for (const char c : text.substr(from, to - from))
      name += c >= 'A' && c <= 'Z' ? std::string("_") + static_cast<char>(c | 0x20) : std::string(1, c);
    out.push_back(std::move(name));
    from = to + 1;
  }
  return out;
}

Reply update(Request& request, const Services& s) {
  auto in = Body::of(request);
  auto part = in.object("assessment");
  if (!part && !in.failed()) in.text("assessment");
  traces::AssessmentUpdate wanted;
  for (const auto& path : read_mask(in)) {
    if (!part || in.failed()) break;
    if (path == "assessment_name")
      wanted.name = part->text("assessment_name");
    else if (path == "expectation")
      wanted.expectation = read_expectation(*part);
    else if (path == "feedback")
      wanted.feedback = read_feedback(*part);
    else if (path == "rationale")
      wanted.rationale = part->text_or("rationale");
    else if (path == "metadata")
      wanted.metadata = part->text_map("metadata");
    else if (path == "valid")
      wanted.valid = part->boolean_or("valid", true);
    else
      in.refuse_text("update_mask", path, "there is no such field that can be changed");
    in.check(*part);
  }
  if (in.failed()) return error_reply(in.error());
  return reply_of(
      s.traces->update_assessment(request.caller, request.arg("trace_id"), request.arg("assessment_id"), wanted),
      wrapped);
}

Reply remove(Request& request, const Services& s) {
  auto in = Body::of(request);
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.traces->delete_assessment(request.caller, request.arg("trace_id"), request.arg("assessment_id")));
}

}  // namespace

void add_assessments(Table& table) {
  const std::string all = "/traces/{trace_id}/assessments", one = all + "/{assessment_id}";
  table.add_v3({"POST", all, Permission::write, "trace.assessment_created", "Assesses a trace.", create});
  table.add_v3({"GET", one, Permission::read, "none", "One assessment of a trace.", get});
  table.add_v3({"PATCH", one, Permission::write, "trace.assessment_updated", "Changes an assessment.", update});
  table.add_v3({"DELETE", one, Permission::write, "trace.assessment_deleted", "Removes an assessment.", remove});
}

}  // namespace millrace::api::mlflow
