// Which changes of the journal webhooks can be told, and what they are told of them. One table; pure.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "lineage/journal.h"

namespace millrace::webhooks {

// "model_version_tag.set": what webhooks subscribe to.
std::vector<std::string_view> known_events();
std::vector<std::string> known_kinds();  // of the journal's lines that may be told
bool is_event(std::string_view name);

// What a registered model (version 0) or one of its versions is now: {"name", "description", "tags": {..}}, of a
// version also "source" and "run_id"; null when it is gone. Joined in main/.
using Describe = std::function<Json(const std::string& workspace, const std::string& model, int64_t version)>;

struct Told {
  std::string event;
  Json data;
};
// Nothing when nobody can be told of it. What happens to a prompt is told as a prompt's event.
std::optional<Told> told_of(const lineage::Event& line, const Describe& describe);
// What a test of a webhook sends.
Json example_of(std::string_view event);

}  // namespace millrace::webhooks
