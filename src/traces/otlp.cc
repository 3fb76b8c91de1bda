#include "traces/otlp.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "core/codes/base64.h"
#include "core/codes/utf8.h"
#include "core/hash.h"
#include "traces/otlp_messages.h"
#include "traces/wire.h"

namespace millrace::traces {
namespace {

constexpr std::string_view kRequestId = "mlflow.traceRequestId", kSpanType = "mlflow.spanType",
                           kUsage = "mlflow.chat.tokenUsage", kCost = "mlflow.llm.cost";

Error bad(std::string why) { return Error{Code::invalid, "Invalid OpenTelemetry format: " + std::move(why)}; }
Error bad_field(const OtlpField& field) { return bad(fmt::format("'{}' has a value of another type", field.name)); }

// What all messages of one request may hold together.
class Budget {
 public:
  Result<void> take() {
    if (left_ == 0)
      return Error{Code::too_large, fmt::format("a trace request holds at most {} values", bounds::values)}.hint(
          "send fewer spans at a time");
    --left_;
    return {};
  }

 private:
  size_t left_ = bounds::values;
};

Json real_json(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

void set(Json& object, const OtlpMessage& message, const OtlpField& field, Json value) {
  if (message.one_of) object = Json::object();
  auto& slot = object[std::string(field.name)];
  if (field.repeated)
    slot.push_back(std::move(value));
  else
    slot = std::move(value);
}

const OtlpField* find_field(const OtlpMessage& message, uint32_t number) {
  const auto found = std::find_if(message.fields.begin(), message.fields.end(),
                                  [&](const auto& each) { return each.number == number; });
  return found == message.fields.end() ? nullptr : &*found;
}

Wire wire_of(FieldKind kind) {
  switch (kind) {
    case FieldKind::boolean:
    case FieldKind::int64:
    case FieldKind::uint32:
    case FieldKind::enumeration: return Wire::varint;
    case FieldKind::fixed64:
    case FieldKind::real: return Wire::fixed64;
    case FieldKind::fixed32: return Wire::fixed32;
    default: return Wire::bytes;
  }
}

Json enumerated(const OtlpField& field, uint64_t value) {
  return value < field.names.size() ? Json(std::string(field.names[value])) : Json(value);
}

Result<Json> decode(const OtlpMessage& message, std::string_view bytes, size_t depth, Budget& budget);

Result<Json> decode_field(const OtlpField& field, const WireField& in, size_t depth, Budget& budget) {
  switch (field.kind) {
    case FieldKind::text:
      if (!is_utf8(in.bytes)) return bad(fmt::format("'{}' is not UTF-8", field.name));
      return Json(std::string(in.bytes));
    case FieldKind::id:
    case FieldKind::bytes: return Json(to_base64(in.bytes));
    case FieldKind::boolean: return Json(in.value != 0);
    case FieldKind::int64: return Json(static_cast<int64_t>(in.value));
    case FieldKind::fixed64:
    case FieldKind::fixed32: return Json(in.value);
    case FieldKind::uint32: return Json(static_cast<uint32_t>(in.value));
    case FieldKind::real: return real_json(std::bit_cast<double>(in.value));
    case FieldKind::enumeration: return enumerated(field, in.value);
    case FieldKind::message: return decode(*field.message, in.bytes, depth + 1, budget);
  }
  return Json();
}

Result<Json> decode(const OtlpMessage& message, std::string_view bytes, size_t depth, Budget& budget) {
  if (depth > bounds::depth) return bad(fmt::format("nested deeper than {} levels", bounds::depth));
  Json out = Json::object();
  for (WireReader reader(bytes); !reader.done();) {
    MILLRACE_TRY(const auto in, reader.next());
    MILLRACE_DO(budget.take());
    const auto* field = find_field(message, in.number);
    if (field == nullptr) continue;
    if (in.wire != wire_of(field->kind)) return bad_field(*field);
    MILLRACE_TRY(auto value, decode_field(*field, in, depth, budget));
    set(out, message, *field, std::move(value));
  }
  return out;
}

std::string camel(std::string_view name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) out += name[i] == '_' ? static_cast<char>(name[++i] & ~0x20) : name[i];
  return out;
}

template <class Number>
std::optional<Number> number_of(const Json& json) {
  if (json.is_string()) {
    const auto& text = json.get_ref<const std::string&>();
    Number out{};
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (problem == std::errc() && end == text.data() + text.size() && !text.empty()) return out;
    return std::nullopt;
  }
  if constexpr (std::is_floating_point_v<Number>) {
    if (json.is_number()) return json.get<Number>();
  } else {
    if (json.is_number_unsigned() && json.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<Number>::max()))
      return static_cast<Number>(json.get<uint64_t>());
    if (json.is_number_integer() && !json.is_number_unsigned() && std::is_signed_v<Number>)
      return static_cast<Number>(json.get<int64_t>());
  }
  return std::nullopt;
}

Result<Json> read_real(const OtlpField& field, const Json& json) {
  if (json == "NaN" || json == "Infinity" || json == "-Infinity") return json;
  const auto value = number_of<double>(json);
  return value ? Result<Json>(real_json(*value)) : Result<Json>(bad_field(field));
}

Result<Json> read_enumerated(const OtlpField& field, const Json& json) {
  if (json.is_string() &&
      std::find(field.names.begin(), field.names.end(), json.get_ref<const std::string&>()) != field.names.end())
    return json;
  const auto value = json.is_string() ? std::nullopt : number_of<uint64_t>(json);
  return value ? Result<Json>(enumerated(field, *value)) : Result<Json>(bad_field(field));
}

Result<Json> normalize(const OtlpMessage& message, const Json& json, size_t depth, Budget& budget);

Result<Json> normalize_field(const OtlpField& field, const Json& json, size_t depth, Budget& budget) {
  MILLRACE_DO(budget.take());
  const auto or_refuse = [&](auto value) {
    return value ? Result<Json>(Json(*value)) : Result<Json>(bad_field(field));
  };
  switch (field.kind) {
    case FieldKind::text: return json.is_string() ? Result<Json>(json) : Result<Json>(bad_field(field));
    case FieldKind::id:
    case FieldKind::bytes: {
      if (!json.is_string()) return bad_field(field);
      const auto& text = json.get_ref<const std::string&>();
      if (field.kind == FieldKind::id) {
        MILLRACE_TRY(const auto id, bytes_of_hex(text));
        return Json(to_base64(id));
      }
      const auto bytes = from_any_base64(text);
      return bytes ? Result<Json>(to_base64(*bytes)) : Result<Json>(bad_field(field));
    }
    case FieldKind::boolean: return json.is_boolean() ? Result<Json>(json) : Result<Json>(bad_field(field));
    case FieldKind::int64: return or_refuse(number_of<int64_t>(json));
    case FieldKind::fixed64: return or_refuse(number_of<uint64_t>(json));
    case FieldKind::uint32:
    case FieldKind::fixed32: return or_refuse(number_of<uint32_t>(json));
    case FieldKind::real: return read_real(field, json);
    case FieldKind::enumeration: return read_enumerated(field, json);
    case FieldKind::message: return normalize(*field.message, json, depth + 1, budget);
  }
  return Json();
}

Result<Json> normalize(const OtlpMessage& message, const Json& json, size_t depth, Budget& budget) {
  if (depth > bounds::depth) return bad(fmt::format("nested deeper than {} levels", bounds::depth));
  if (!json.is_object()) return bad("an object is expected");
  Json out = Json::object();
  for (const auto& field : message.fields) {
    const auto* plain = find(json, field.name);
    const auto other = camel(field.name);
    const auto* spelled = other == field.name ? nullptr : find(json, other);
    if (plain != nullptr && spelled != nullptr)
      return bad(fmt::format("both '{}' and '{}' are given", field.name, other));
    const auto* found = plain != nullptr ? plain : spelled;
    if (found == nullptr || found->is_null()) continue;
    if (field.repeated && !found->is_array()) return bad_field(field);
    for (const auto& each : field.repeated ? *found : Json::array({*found})) {
      MILLRACE_TRY(auto value, normalize_field(field, each, depth, budget));
      set(out, message, field, std::move(value));
    }
  }
  return out;
}

// "": an id of `size` bytes that are not all zero, or none at all.
Result<std::string> hex_id(const Json& span, std::string_view name, size_t size) {
  const auto* found = find(span, name);
  if (found == nullptr) return std::string();
  const auto read = from_any_base64(found->get_ref<const std::string&>());
  if (!read) return bad(fmt::format("'{}' is not base64", name));
  const auto& bytes = *read;
  if (bytes.find_first_not_of('\0') == std::string::npos) return std::string();
  if (bytes.size() != size) return bad(fmt::format("'{}' has {} bytes, not {}", name, bytes.size(), size));
  return to_hex(bytes.data(), bytes.size());
}

Result<int64_t> time_of(const Json& span, std::string_view name) {
  const auto* found = find(span, name);
  if (found == nullptr) return int64_t{0};
  const auto value = found->get<uint64_t>();
  if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    return bad(fmt::format("'{}' is beyond the year 2262", name));
  return static_cast<int64_t>(value);
}

std::string without_nul(std::string text) {
  std::erase(text, '\0');
  return text;
}

void put_attribute(Json& span, std::string_view key, const std::string& value) {
  auto& attributes = span["attributes"];
  if (!attributes.is_array()) attributes = Json::array();
  for (auto& each : attributes)
    if (string_or(each, "key", "") == key) {
      each["value"] = {{"string_value", value}};
      return;
    }
  attributes.push_back({{"key", std::string(key)}, {"value", {{"string_value", value}}}});
}

// An object of numbers, or one as a text; "" for anything else.
std::string numbers_of(const Json& span, std::string_view key) {
  auto value = attribute_of(span, key);
  if (value.is_string()) {
    auto read = parse_json(value.get_ref<const std::string&>(), key);
    value = read ? std::move(*read) : Json();
  }
  if (!value.is_object()) return "";
  for (auto it = value.begin(); it != value.end();) it = it->is_number() ? std::next(it) : value.erase(it);
  return value.empty() || to_text(value).size() > bounds::value ? "" : to_text(value);
}

Result<Span> to_span(Json json) {
  Span span;
  MILLRACE_TRY(const auto trace, hex_id(json, "trace_id", 16));
  MILLRACE_TRY(span.id, hex_id(json, "span_id", 8));
  MILLRACE_TRY(span.parent_id, hex_id(json, "parent_span_id", 8));
  if (trace.empty() || span.id.empty()) return bad("a span needs a 'trace_id' and a 'span_id' that are not all zero");
  if (span.parent_id.empty()) json.erase("parent_span_id");
  span.trace_id = "tr-" + trace;
  span.name = without_nul(string_or(json, "name", ""));
  MILLRACE_TRY(span.start_ns, time_of(json, "start_time_unix_nano"));
  MILLRACE_TRY(span.end_ns, time_of(json, "end_time_unix_nano"));
  const auto type = attribute_of(json, kSpanType);
  span.type = type.is_string() ? without_nul(type.get<std::string>()) : "UNKNOWN";
  const auto* status = find(json, "status");
  const auto code = status == nullptr ? "" : string_or(*status, "code", "");
  span.status = code == "STATUS_CODE_OK" ? "OK" : code == "STATUS_CODE_ERROR" ? "ERROR" : "UNSET";
  span.usage = numbers_of(json, kUsage);
  span.cost = numbers_of(json, kCost);
  put_attribute(json, kRequestId, span.trace_id);
  span.content = std::move(json);
  return span;
}

Json array_of(const Json& object, std::string_view name) {
  const auto* found = find(object, name);
  return found == nullptr ? Json::array() : *found;
}

std::vector<std::pair<std::string, Json>> resource_of(const Json& resource_spans) {
  std::vector<std::pair<std::string, Json>> out;
  const auto* resource = find(resource_spans, "resource");
  if (resource == nullptr) return out;
  for (const auto& each : array_of(*resource, "attributes")) {
    const auto* value = find(each, "value");
    out.emplace_back(string_or(each, "key", ""), value == nullptr ? Json() : plain_value(*value));
  }
  return out;
}

Result<std::vector<Received>> spans_of(Json message) {
  if (array_of(message, "resource_spans").empty()) return bad("no spans found");
  std::vector<Received> out;
  for (auto& group : message["resource_spans"]) {
    const auto resource = resource_of(group);
    if (!group.contains("scope_spans")) continue;
    for (auto& scope : group["scope_spans"]) {
      if (!scope.contains("spans")) continue;
      for (auto& span : scope["spans"]) {
        if (out.size() == bounds::spans)
          return Error{Code::too_large, fmt::format("a trace request holds at most {} spans", bounds::spans)};
        MILLRACE_TRY(auto read, to_span(std::move(span)));
        out.push_back({std::move(read), resource});
      }
    }
  }
  return out;
}

}  // namespace

Result<std::vector<Received>> read_otlp_protobuf(std::string_view message) {
  Budget budget;
  MILLRACE_TRY(auto json, decode(kExportTraces, message, 0, budget));
  return spans_of(std::move(json));
}

Result<std::vector<Received>> read_otlp_json(const Json& message) {
  Budget budget;
  MILLRACE_TRY(auto json, normalize(kExportTraces, message, 0, budget));
  return spans_of(std::move(json));
}

Json plain_value(const Json& any) {
  if (!any.is_object() || any.empty()) return Json();
  const auto& kind = any.begin().key();
  const auto& value = any.begin().value();
  if (kind == "array_value") {
    Json out = Json::array();
    for (const auto& each : array_of(value, "values")) out.push_back(plain_value(each));
    return out;
  }
  if (kind == "kvlist_value") {
    Json out = Json::object();
    for (const auto& each : array_of(value, "values")) {
      const auto* inner = find(each, "value");
      out[string_or(each, "key", "")] = inner == nullptr ? Json() : plain_value(*inner);
    }
    return out;
  }
  return value;
}

Json attribute_of(const Json& span, std::string_view key) {
  const auto* attributes = find(span, "attributes");
  if (attributes == nullptr) return Json();
  for (const auto& each : *attributes)
    if (string_or(each, "key", "") == key) {
      const auto* value = find(each, "value");
      return value == nullptr ? Json() : plain_value(*value);
    }
  return Json();
}

}  // namespace millrace::traces
