#include <cctype>

#include "api/native/routes.h"

namespace millrace::api::native {
namespace {

// "/x/{node...}" is written "/x/{node}" in OpenAPI, which has no word for "the rest of the path".
std::string plain_pattern(std::string pattern) {
  if (const auto dots = pattern.find("...}"); dots != std::string::npos) pattern.erase(dots, 3);
  return pattern;
}

Json parameters_of(const std::string& pattern) {
  Json out = Json::array();
  for (size_t from = pattern.find('{'); from != std::string::npos; from = pattern.find('{', from + 1)) {
    const auto to = pattern.find('}', from);
    out.push_back({{"name", pattern.substr(from + 1, to - from - 1)},
                   {"in", "path"},
                   {"required", true},
                   {"schema", {{"type", "string"}}}});
  }
  return out;
}

}  // namespace

std::string openapi_text(const Routes& routes) {
  Json paths = Json::object();
  for (const auto& route : routes) {
    const auto pattern = plain_pattern(route.pattern);
    std::string method = route.method;
    for (auto& c : method) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    Json operation{
        {"summary", route.summary},
        {"x-permission", std::string(name_of(route.permission))},
        {"x-audit", route.audit},
        {"responses",
         {{"200", {{"description", "the answer"}}},
          {"default",
           {{"description", "an RFC 9457 problem"},
            {"content", {{"application/problem+json", {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}}}}}}}};
    if (auto parameters = parameters_of(pattern); !parameters.empty()) operation["parameters"] = parameters;
    if (route.limit.bytes > 0)
      operation["requestBody"] = {{"content", {{"application/json", {{"schema", {{"type", "object"}}}}}}},
                                  {"x-limit-bytes", route.limit.bytes}};
    paths[pattern][method] = operation;
  }
  const Json text{{"type", "string"}};
  const Json document{{"openapi", "3.1.0"},
                      {"info", {{"title", "Millrace native API"}, {"version", "1"}}},
                      {"paths", paths},
                      {"components",
                       {{"schemas",
                         {{"Problem",
                           {{"type", "object"},
                            {"properties",
                             {{"type", text},
                              {"title", text},
                              {"status", {{"type", "integer"}}},
                              {"code", text},
                              {"detail", text},
                              {"hint", text},
                              {"request_id", text}}}}}}}}}};
  return to_pretty(document) + "\n";
}

}  // namespace millrace::api::native
