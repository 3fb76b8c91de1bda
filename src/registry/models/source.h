// What a client names as the source of a version. Pure: text in, parts or a refusal out. Everything is read after its
// percent signs were undone until nothing changes, so that nothing hides: parts "." and "..", NUL, control characters,
// '\', '#' and '?' are refused wherever they stand (the traversals that registries were broken by: a fragment or query
// that a second reader cuts off, "..%252f", a doubled scheme).
#pragma once
#include <string>
#include <vector>

#include "core/result.h"

namespace millrace::registry {

struct SourceUri {
  enum class Kind { run, logged_model, version, artifacts, remote };
  Kind kind = Kind::remote;
  std::string id;                 // run: its id; logged_model: m-...; version: the registered model's name
  std::string pointer;            // version: a number, a stage, "latest" or "@ALIAS"
  std::vector<std::string> path;  // run: below its artifacts; artifacts: below the store's root
};

// Local paths and file: are refused: nothing that a client reads through this server lies there.
Result<SourceUri> parse_source(const std::string& source);
// `invalid` when it is too long or hides something; no more is asked of it.
Result<void> check_plain(const std::string& source);
// "The run_id request parameter must identify ..."
Error foreign_source(const std::string& source, std::string_view parameter);
// Do these parts begin with those of the root "mlflow-artifacts:/a/b"?
bool is_within(const std::vector<std::string>& parts, std::string_view root_path);
std::string joined(const std::vector<std::string>& parts);

}  // namespace millrace::registry
