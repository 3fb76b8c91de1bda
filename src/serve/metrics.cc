// The data plane's counters as Prometheus text: nv_inference_* as dashboards for the protocol expect them, millrace_*
// beyond.
#include <functional>

#include <fmt/format.h>

#include "serve/data_plane.h"

namespace millrace::serve {
namespace {

struct Counter {
  std::string_view name, help;
  uint64_t (*read)(const Statistics&);
};
constexpr Counter kCounters[] = {
    {"nv_inference_request_success", "Requests answered", [](const Statistics& s) { return s.success.load(); }},
    {"nv_inference_count", "Rows answered", [](const Statistics& s) { return s.rows.load(); }},
    {"nv_inference_exec_count", "Runs of the model that were answered",
     [](const Statistics& s) { return s.executions.load(); }},
    {"nv_inference_request_duration_us", "Microseconds from parsed request to answer",
     [](const Statistics& s) { return s.request_us.load(); }},
    {"nv_inference_queue_duration_us", "Microseconds from the head of the request until it began",
     [](const Statistics& s) { return s.queue_us.load(); }},
    {"nv_inference_compute_input_duration_us", "Microseconds in the contract's guard",
     [](const Statistics& s) { return s.guard_us.load(); }},
    {"nv_inference_compute_infer_duration_us", "Microseconds in the model",
     [](const Statistics& s) { return s.infer_us.load(); }},
    {"nv_inference_compute_output_duration_us", "Microseconds until the record was written",
     [](const Statistics& s) { return s.log_us.load(); }},
    {"millrace_guard_duration_us", "Microseconds in the contract's guard",
     [](const Statistics& s) { return s.guard_us.load(); }},
    {"millrace_prediction_log_duration_us", "Microseconds until the record was written",
     [](const Statistics& s) { return s.log_us.load(); }},
};

struct LogCounter {
  std::string_view name, help;
  uint64_t (*read)(const LogState&);
};
constexpr LogCounter kLogCounters[] = {
    {"millrace_prediction_log_records_total", "Records written", [](const LogState& s) { return s.records; }},
    {"millrace_prediction_log_bytes_total", "Bytes written", [](const LogState& s) { return s.bytes; }},
    {"millrace_prediction_log_append_failures_total", "Groups that could not be written",
     [](const LogState& s) { return s.append_failures; }},
    {"millrace_prediction_log_flush_failures_total", "Segments given up after a failed flush",
     [](const LogState& s) { return s.flush_failures; }},
    {"millrace_prediction_log_torn_bytes_total", "Bytes of a torn tail cut off at start",
     [](const LogState& s) { return s.torn_bytes; }},
    {"millrace_prediction_log_damaged_segments_total", "Segments found changed at start",
     [](const LogState& s) { return uint64_t{s.damaged.size()}; }},
};

// Names come from is_name() or a contract; the latter may hold anything.
std::string label(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out.push_back('\\');
    if (c == '\n')
      out += "\\n";
    else
      out.push_back(c);
  }
  return out;
}

void head(std::string& out, std::string_view name, std::string_view kind, std::string_view help) {
  out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, kind);
}

struct ShadowCounter {
  std::string_view name, help;
  uint64_t (*read)(const ShadowCounts&);
};
constexpr ShadowCounter kShadowCounters[] = {
    {"millrace_shadow_queued_total", "Copies of requests taken for shadows",
     [](const ShadowCounts& s) { return s.queued.load(); }},
    {"millrace_shadow_answered_total", "Copies that a shadow answered",
     [](const ShadowCounts& s) { return s.answered.load(); }},
    {"millrace_shadow_failed_total", "Copies that a shadow refused, failed at or could not log",
     [](const ShadowCounts& s) { return s.failed.load(); }},
    {"millrace_shadow_dropped_total", "Copies that found no room in the queue, or no time at the end",
     [](const ShadowCounts& s) { return s.dropped.load(); }},
};

std::string labels(const Place& place, const ArmLabel& label) {
  return fmt::format("model=\"{}\",version=\"{}\",arm=\"{}\"", place.name, label.version, label.arm);
}

using Places = std::vector<std::shared_ptr<Place>>;

void add_rules(std::string& out, const Places& places, std::string_view name, std::string_view help,
               RuleCounts (Statistics::*read)() const) {
  head(out, name, "counter", help);
  for (const auto& place : places)
    for (const auto& [arm, statistics] : place->statistics.all())
      for (const auto& [rule, count] : ((*statistics).*read)())
        out += fmt::format("{}{{{},field=\"{}\",rule=\"{}\"}} {}\n", name, labels(*place, arm), label(rule.first),
                           label(rule.second), count);
}

void add_arms(std::string& out, const Places& places) {
  for (const auto& counter : kCounters) {
    head(out, counter.name, "counter", counter.help);
    for (const auto& place : places)
      for (const auto& [label, statistics] : place->statistics.all())
        out += fmt::format("{}{{{}}} {}\n", counter.name, labels(*place, label), counter.read(*statistics));
  }
  head(out, "nv_inference_request_failure", "counter", "Requests refused or failed");
  for (const auto& place : places)
    for (const auto& [arm, statistics] : place->statistics.all())
      for (size_t i = 0; i < kFailures.size(); ++i)
        out += fmt::format("nv_inference_request_failure{{{},reason=\"{}\"}} {}\n", labels(*place, arm), kFailures[i],
                           statistics->failures[i].load());
  add_rules(out, places, "millrace_requests_refused_total", "Requests that broke the contract", &Statistics::refusals);
  add_rules(out, places, "millrace_values_flagged_total",
            "Values that broke the contract and were answered, clamped or as they came", &Statistics::flags);
}

// Of the last one to two minutes.
void add_latency(std::string& out, const Places& places, Micros steady) {
  constexpr std::string_view kName = "nv_inference_request_summary_us";
  head(out, kName, "summary", "Microseconds from parsed request to answer; quantiles of the last one to two minutes");
  for (const auto& place : places)
    for (const auto& [arm, statistics] : place->statistics.all()) {
      const auto at = labels(*place, arm);
      for (const double share : {0.5, 0.9, 0.95, 0.99})
        out +=
            fmt::format("{}{{{},quantile=\"{}\"}} {}\n", kName, at, share, statistics->latency.quantile(share, steady));
      out += fmt::format("{}_sum{{{}}} {}\n{}_count{{{}}} {}\n", kName, at, statistics->request_us.load(), kName, at,
                         statistics->success + statistics->failure - statistics->failures[0]);
    }
}

void add_logs(std::string& out, const Places& places) {
  for (const auto& counter : kLogCounters) {
    head(out, counter.name, "counter", counter.help);
    for (const auto& place : places)
      if (place->log)
        out += fmt::format("{}{{model=\"{}\"}} {}\n", counter.name, place->name, counter.read(place->log->state()));
  }
}

void add_traffic(std::string& out, const Places& places, const std::vector<ServedPtr>& served) {
  for (const auto& counter : kShadowCounters) {
    head(out, counter.name, "counter", counter.help);
    for (const auto& place : places)
      out += fmt::format("{}{{model=\"{}\"}} {}\n", counter.name, place->name, counter.read(place->shadow));
  }
  head(out, "millrace_review_cases_total", "counter", "Requests that were not answered, because a person decides them");
  for (const auto& place : places)
    out += fmt::format("millrace_review_cases_total{{model=\"{}\"}} {}\n", place->name, place->cases.load());
  head(out, "millrace_canary_rows_total", "counter", "Rows answered by canaries");
  for (const auto& place : places) {
    uint64_t rows = 0;
    for (const auto& [arm, statistics] : place->statistics.all())
      if (arm.arm == kCanary) rows += statistics->rows;
    out += fmt::format("millrace_canary_rows_total{{model=\"{}\"}} {}\n", place->name, rows);
  }
  head(out, "millrace_canary_share", "gauge", "Share of the units that the canary answers; 0 without one");
  for (const auto& each : served)
    out += fmt::format("millrace_canary_share{{model=\"{}\"}} {}\n", each->place->name,
                       each->canary_in() != nullptr ? each->canary_share : 0);
}

}  // namespace

std::string DataPlane::metrics_text() const {
  const auto places = this->places();
  std::string out;
  add_arms(out, places);
  add_latency(out, places, context_.clock.steady());
  add_logs(out, places);
  add_traffic(out, places, served());
  head(out, "millrace_models_loaded_total", "counter", "Models read from their files");
  out += fmt::format("millrace_models_loaded_total {}\n", models_loaded_.load());
  head(out, "nv_inference_pending_request_count", "gauge", "Requests under way");
  out += fmt::format("nv_inference_pending_request_count {}\n", under_way_.load());
  head(out, "millrace_requests_turned_away_total", "counter", "Requests over the limit of requests under way");
  out += fmt::format("millrace_requests_turned_away_total {}\n", turned_away_.load());
  head(out, "millrace_requests_late_total", "counter", "Requests that waited longer than their timeout");
  out += fmt::format("millrace_requests_late_total {}\n", late_.load());
  head(out, "millrace_model_ready", "gauge", "1 when the deployment has a model");
  for (const auto& model : models())
    out += fmt::format("millrace_model_ready{{model=\"{}\"}} {}\n", model.name, model.ready ? 1 : 0);
  return out + loader_->metrics_text();
}

}  // namespace millrace::serve
