// Traces and assessments in the forms of MLflow's protocol: read from a body, written to an answer.
#pragma once
#include "api/mlflow/body.h"
#include "core/json.h"
#include "traces/traces.h"

namespace millrace::api::mlflow {

Json to_json(const traces::TraceInfo& info);
Json to_json(const traces::Trace& trace);
Json to_json(const traces::Assessment& assessment);
// As before MLflow 3: pairs in lists, times in milliseconds.
Json to_old_json(const traces::TraceInfo& info);
// As clients keep a trace's spans in files: attributes as an object of JSON texts.
Json to_span_file(const traces::Trace& trace);

// A page of a search, each trace in the form of `write`.
Json traces_json(const track::Page<traces::TraceInfo>& page, Json (*write)(const traces::TraceInfo&));

void read_search(Body& body, traces::Search& into);    // filter, order_by, max_results, page_token
traces::TraceInfo read_info(Body& body);               // trace_info
traces::Assessment read_assessment(Body& body);        // an assessment
Json read_feedback(Body& body);                        // its "feedback"
Json read_expectation(Body& body);                     // its "expectation"
int64_t read_time(Body& body, std::string_view name);  // "2026-01-01T00:00:00Z" as milliseconds; 0 when absent

}  // namespace millrace::api::mlflow
