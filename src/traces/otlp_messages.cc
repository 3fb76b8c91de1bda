#include "traces/otlp_messages.h"

namespace millrace::traces {
namespace {

using enum FieldKind;

extern const OtlpMessage kAnyValue;

constexpr std::string_view kStatusCodes[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"};
constexpr std::string_view kSpanKinds[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER",
                                           "SPAN_KIND_CLIENT",      "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"};

constexpr OtlpField kKeyValueFields[] = {{1, "key", text}, {2, "value", message, false, &kAnyValue}};
constexpr OtlpMessage kKeyValue{kKeyValueFields};
constexpr OtlpField kArrayFields[] = {{1, "values", message, true, &kAnyValue}};
constexpr OtlpMessage kArray{kArrayFields};
constexpr OtlpField kListFields[] = {{1, "values", message, true, &kKeyValue}};
constexpr OtlpMessage kList{kListFields};
constexpr OtlpField kAnyValueFields[] = {{1, "string_value", text},
                                         {2, "bool_value", boolean},
                                         {3, "int_value", int64},
                                         {4, "double_value", real},
                                         {5, "array_value", message, false, &kArray},
                                         {6, "kvlist_value", message, false, &kList},
                                         {7, "bytes_value", bytes}};
constexpr OtlpMessage kAnyValue{kAnyValueFields, true};

constexpr OtlpField kEventFields[] = {{1, "time_unix_nano", fixed64},
                                      {2, "name", text},
                                      {3, "attributes", message, true, &kKeyValue},
                                      {4, "dropped_attributes_count", uint32}};
constexpr OtlpMessage kEvent{kEventFields};
constexpr OtlpField kLinkFields[] = {{1, "trace_id", id},
                                     {2, "span_id", id},
                                     {3, "trace_state", text},
                                     {4, "attributes", message, true, &kKeyValue},
                                     {5, "dropped_attributes_count", uint32},
                                     {6, "flags", fixed32}};
constexpr OtlpMessage kLink{kLinkFields};
constexpr OtlpField kStatusFields[] = {{2, "message", text}, {3, "code", enumeration, false, nullptr, kStatusCodes}};
constexpr OtlpMessage kStatus{kStatusFields};
constexpr OtlpField kSpanFields[] = {{1, "trace_id", id},
                                     {2, "span_id", id},
                                     {3, "trace_state", text},
                                     {4, "parent_span_id", id},
                                     {5, "name", text},
                                     {6, "kind", enumeration, false, nullptr, kSpanKinds},
                                     {7, "start_time_unix_nano", fixed64},
                                     {8, "end_time_unix_nano", fixed64},
                                     {9, "attributes", message, true, &kKeyValue},
                                     {10, "dropped_attributes_count", uint32},
                                     {11, "events", message, true, &kEvent},
                                     {12, "dropped_events_count", uint32},
                                     {13, "links", message, true, &kLink},
                                     {14, "dropped_links_count", uint32},
                                     {15, "status", message, false, &kStatus},
                                     {16, "flags", fixed32}};
constexpr OtlpMessage kSpan{kSpanFields};

constexpr OtlpField kScopeSpansFields[] = {{2, "spans", message, true, &kSpan}};
constexpr OtlpMessage kScopeSpans{kScopeSpansFields};
constexpr OtlpField kResourceFields[] = {{1, "attributes", message, true, &kKeyValue}};
constexpr OtlpMessage kResource{kResourceFields};
constexpr OtlpField kResourceSpansFields[] = {{1, "resource", message, false, &kResource},
                                              {2, "scope_spans", message, true, &kScopeSpans}};
constexpr OtlpMessage kResourceSpans{kResourceSpansFields};
constexpr OtlpField kExportFields[] = {{1, "resource_spans", message, true, &kResourceSpans}};

}  // namespace

const OtlpMessage kExportTraces{kExportFields};

}  // namespace millrace::traces
