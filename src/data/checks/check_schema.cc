#include "data/checks/check_schema.h"

#include <fmt/format.h>

#include "data/checks/check_kind.h"

namespace millrace::data {
namespace {

using Form = Parameter::Form;

Json text() { return {{"type", "string"}, {"minLength", 1}}; }
Json texts() { return {{"type", "array"}, {"items", text()}, {"minItems", 1}}; }

Json schema_of(const Parameter& parameter) {
  if (parameter.form == Form::numbers)
    return {{"type", "array"}, {"items", {{"type", "number"}}}, {"minItems", 2}, {"maxItems", 2}};
  if (parameter.form == Form::choice) return {{"enum", parameter.choices}};
  if (parameter.form == Form::columns) return texts();
  if (parameter.form == Form::column || parameter.form == Form::text || parameter.form == Form::condition)
    return text();
  if (parameter.form == Form::number) return {{"type", "number"}, {"minimum", 0}};
  if (parameter.form == Form::reference)
    return {{"type", "object"},
            {"properties", {{"dataset", text()}, {"columns", texts()}}},
            {"required", {"dataset", "columns"}},
            {"additionalProperties", false}};
  return Json::object();
}

Json schema_of(const CheckKind& kind) {
  Json properties{{"metric", {{"const", kind.name}}}}, required{"metric"};
  bool one_column = false;
  for (const auto& parameter : kind.parameters) {
    properties[std::string(parameter.name)] = schema_of(parameter);
    properties[std::string(parameter.name)]["description"] = parameter.summary;
    if (parameter.required && parameter.name != "column") required.push_back(parameter.name);
    one_column = one_column || (parameter.name == "column" && parameter.required);
  }
  if (kind.by_slice) properties["by"] = texts();
  Json out{{"description", kind.summary}, {"properties", properties}, {"additionalProperties", false}};
  if (one_column) {
    // `columns: [x]` says the same as `column: x`.
    out["properties"]["columns"] = {{"type", "array"}, {"items", text()}, {"minItems", 1}, {"maxItems", 1}};
    out["oneOf"] = {{{"required", {"column"}}}, {{"required", {"columns"}}}};
  }
  out["required"] = required;
  return out;
}

std::string_view form_of(const Parameter& parameter) {
  switch (parameter.form) {
    case Form::column: return "column";
    case Form::columns: return "columns";
    case Form::text: return "text";
    case Form::condition: return "condition";
    case Form::number: return "number";
    case Form::numbers: return "[low, high]";
    case Form::choice: return "choice";
    case Form::reference: return "{dataset, columns}";
    default: return "value";
  }
}

}  // namespace

Json implementation_schema() {
  Json names = Json::array(), kinds = Json::array();
  for (const auto& kind : check_kinds()) {
    if (!kind.custom) continue;
    names.push_back(kind.name);
    kinds.push_back({{"if", {{"properties", {{"metric", {{"const", kind.name}}}}}, {"required", {"metric"}}}},
                     {"then", schema_of(kind)}});
  }
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", "implementation of a rule: type custom, engine millrace"},
          {"type", "object"},
          {"required", {"metric"}},
          {"properties", {{"metric", {{"enum", names}}}}},
          {"allOf", kinds}};
}

Json check_list() {
  Json out = Json::array();
  for (const auto& kind : check_kinds()) {
    Json parameters = Json::array();
    for (const auto& parameter : kind.parameters) {
      Json one{{"name", parameter.name},
               {"form", form_of(parameter)},
               {"required", parameter.required},
               {"summary", parameter.summary}};
      if (!parameter.choices.empty()) one["choices"] = parameter.choices;
      parameters.push_back(std::move(one));
    }
    out.push_back({{"name", kind.name},
                   {"summary", kind.summary},
                   {"runs_on", kind.runs_on},
                   {"custom", kind.custom},
                   {"parameters", parameters}});
  }
  return out;
}

}  // namespace millrace::data
