// The OpenTelemetry protocol's trace requests (ExportTraceServiceRequest), as protobuf or JSON, and the spans in them.
// Messages are described by a table and read by one walk into protobuf's JSON form, so that both encodings become the
// same; unknown fields are skipped, as protobuf wants. Sizes, depth and counts are bounded by traces/entities.h. Pure.
// https://opentelemetry.io/docs/specs/otlp/
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "core/result.h"
#include "traces/entities.h"

namespace millrace::traces {

struct Received {
  Span span;
  std::vector<std::pair<std::string, Json>> resource;  // attributes of the process that sent it, as plain values
};

Result<std::vector<Received>> read_otlp_protobuf(std::string_view message);
Result<std::vector<Received>> read_otlp_json(const Json& message);

// The plain value of an opentelemetry.proto.common.v1.AnyValue; bytes become base64.
Json plain_value(const Json& any);
// An attribute of a span, or null.
Json attribute_of(const Json& span, std::string_view key);

// Undoes Content-Encoding gzip or deflate (with or without its head), at most to bounds::inflated_bytes.
Result<std::string> inflate(std::string_view bytes, std::string_view encoding);

Result<std::string> bytes_of_hex(std::string_view text);

}  // namespace millrace::traces
