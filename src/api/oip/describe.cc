#include "api/oip/describe.h"

#include "api/oip/answer.h"

namespace millrace::api::oip {
namespace {
using serve::DataPlane;

std::string version_in(const Request& in) {
  const auto found = in.args.find("version");
  return found == in.args.end() ? "" : found->second;
}

Json tensors(const std::vector<serve::TensorSpec>& specs) {
  Json out = Json::array();
  for (const auto& spec : specs)
    out.push_back(
        {{"name", spec.name},
         {"data_type", spec.type == serve::DType::bytes ? "TYPE_STRING" : "TYPE_" + std::string(name_of(spec.type))},
         {"dims", std::vector<int64_t>(spec.shape.begin(), spec.shape.end())}});
  return out;
}

Json counted(uint64_t count, uint64_t micros) { return {{"count", count}, {"ns", micros * 1000}}; }

Json batches_of(const serve::Statistics& s) {
  Json out = Json::array();
  for (const auto& batch : s.batches.all())
    out.push_back({{"batch_size", batch.size},
                   {"compute_input", counted(batch.count, batch.us.guard_us)},
                   {"compute_infer", counted(batch.count, batch.us.infer_us)},
                   {"compute_output", counted(batch.count, batch.us.log_us)}});
  return out;
}

Json entry(const std::string& name, const serve::ArmLabel& label, const serve::Statistics& s) {
  const uint64_t answered = s.success, failed = s.failure, runs = s.executions, failed_us = s.failed_us,
                 all_us = s.request_us;
  return {{"name", name},
          {"version", label.version},
          {"arm", label.arm},
          {"last_inference", s.last_inference / 1000},
          {"inference_count", s.rows.load()},
          {"execution_count", runs},
          {"inference_stats",
           {{"success", counted(answered, all_us - std::min(all_us, failed_us))},
            {"fail", counted(failed, failed_us)},
            {"queue", counted(answered + failed, s.queue_us)},
            {"compute_input", counted(answered, s.guard_us)},
            {"compute_infer", counted(answered, s.infer_us)},
            {"compute_output", counted(answered, s.log_us)},
            {"cache_hit", counted(0, 0)},
            {"cache_miss", counted(0, 0)}}},
          {"response_stats", Json::object()},
          {"batch_stats", batches_of(s)},
          {"memory_usage", Json::array()}};
}

void add(const serve::Place& place, std::string_view version, Json& out) {
  for (const auto& [label, statistics] : place.statistics.all())
    if (version.empty() || label.version == version) out.push_back(entry(place.name, label, *statistics));
}

// Who runs the model, and whether its requests share calls (serve/runtimes.h).
Json parameters_of(const serve::Model& model) {
  const Json about = model.describe();
  Json out = Json::object();
  if (const auto* runtime = find(about, "runtime")) out["runtime"] = {{"string_value", *runtime}};
  if (const auto* batching = find(about, "batching"))
    out["batching"] = {{"string_value", model.shares_calls() ? "shared" : "alone: " + batching->value("why", "")}};
  return out;
}

}  // namespace

Reply configuration(const DataPlane& plane, const Request& in) {
  const auto target = plane.find(in.arg("model"), version_in(in));
  if (!target) return error_answer(target.error());
  const auto& it = *target->arm;
  Json versions{std::stoll(target->served->stable.version)};
  if (const auto& canary = target->served->canary) versions.push_back(std::stoll(canary->version));
  return Reply::json({{"name", it.arm.deployment},
                      {"platform", std::string(it.model().platform())},
                      {"backend", "millrace"},
                      {"max_batch_size", 0},
                      {"input", tensors(it.arm.inputs)},
                      {"output", tensors(it.arm.outputs)},
                      {"version_policy", {{"specific", {{"versions", std::move(versions)}}}}},
                      {"instance_group", {{{"name", it.arm.deployment}, {"kind", "KIND_CPU"}, {"count", 1}}}},
                      {"parameters", parameters_of(it.model())}});
}

Reply statistics(const DataPlane& plane, const Request& in) {
  const auto target = plane.find(in.arg("model"), version_in(in));
  if (!target) return error_answer(target.error());
  Json out = Json::array();
  add(*target->served->place, version_in(in), out);
  return Reply::json({{"model_stats", std::move(out)}});
}

Reply all_statistics(const DataPlane& plane) {
  Json out = Json::array();
  for (const auto& served : plane.served()) add(*served->place, "", out);
  return Reply::json({{"model_stats", std::move(out)}});
}

}  // namespace millrace::api::oip
