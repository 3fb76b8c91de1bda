// Tracking's values as MLflow's JSON; those that come in thousands are in text.h.
#pragma once
#include "core/json.h"
#include "track/entities.h"

namespace millrace::api::mlflow {

Json to_json(const track::Experiment& experiment);
Json to_json(const track::FileInfo& file, std::string_view folder);  // paths become FOLDER/NAME
Json to_json(const std::vector<track::KeyValue>& pairs);

// {"NAME": [...], "next_page_token": ".."}; without items or token their fields are left out, as MLflow does.
template <class T>
Json page_json(std::string_view name, const track::Page<T>& page) {
  Json out = Json::object();
  for (const auto& item : page.items) out[std::string(name)].push_back(to_json(item));
  if (!page.next.empty()) out["next_page_token"] = page.next;
  return out;
}

}  // namespace millrace::api::mlflow
