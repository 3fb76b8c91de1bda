// What the native handlers share: reading bodies, answering results and pages.
#pragma once
#include <functional>
#include <string>

#include "api/http.h"
#include "api/status.h"
#include "core/limits.h"
#include "core/project.h"

namespace millrace::api::native {

inline constexpr BodyLimit kNoBody{0};
inline constexpr BodyLimit kJsonBody{limits::json_body_bytes};

// A JSON object whose keys are all known; an empty body is {}.
Result<Json> read_object(const Request& request, std::initializer_list<std::string_view> known);
Result<int64_t> arg_integer(const Request& request, const std::string& name);
Result<int64_t> query_integer(const Request& request, std::string_view name, int64_t otherwise);

Result<Micros> query_time(const Request& request, std::string_view name);  // 0 when it is not given

// Runs `work` and answers its value as JSON, or its error as a problem.
Reply answer(const Request& request, const std::function<Result<Json>()>& work, int status = 200);

// {"items": [...], "next": null | token}
template <class Items>
Json page(const Items& items) {
  Json list = Json::array();
  for (const auto& item : items) list.push_back(item.to_json());
  return {{"items", std::move(list)}, {"next", nullptr}};
}

// The entry called `name` of a list of specs, or not_found with "did you mean".
template <class Spec>
Result<Spec> find_spec(const std::vector<Spec>& specs, const std::string& name, std::string_view kind) {
  std::vector<std::string> names;
  for (const auto& spec : specs) {
    if (spec.name == name) return spec;
    names.push_back(spec.name);
  }
  const auto near = did_you_mean(name, names);
  return Error{Code::not_found, std::string("the project has no ") + std::string(kind) + " '" + name + "'"}.hint(
      near ? "did you mean '" + *near + "'?" : "name it in millrace.yaml");
}

}  // namespace millrace::api::native
