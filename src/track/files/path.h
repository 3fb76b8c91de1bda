// A path of an artifact, checked: the only thing that a store is ever given. What it names lies within one workspace of
// one store, whatever a client sent. Immutable.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace millrace::track {

class ArtifactPath {
 public:
  // `path` is relative to the workspace's artifacts, "/" between its parts, decoded once; "" is their root. `invalid`
  // for what leads elsewhere now or after more decoding ("..", absolute, empty parts, NUL and control characters,
  // backslashes), what an address cannot carry ('#', '?'), parts over 255 bytes and names that are ours.
  static Result<ArtifactPath> of(const std::string& workspace, std::string_view path);
  // The same, of something that must have a name: "" is `invalid`.
  static Result<ArtifactPath> of_file(const std::string& workspace, std::string_view path);

  // From the store's root: workspace `default` lies in the root itself, another one in workspaces/NAME.
  const std::vector<std::string>& parts() const { return parts_; }
  bool is_root() const { return path_.empty(); }  // of the workspace
  const std::string& workspace() const { return workspace_; }
  const std::string& text() const { return path_; }  // as the client knows it, below its workspace
  std::string from_root() const;                     // the parts with "/" between them

 private:
  ArtifactPath(std::string workspace, std::string path, std::vector<std::string> parts)
      : workspace_(std::move(workspace)), path_(std::move(path)), parts_(std::move(parts)) {}

  std::string workspace_, path_;
  std::vector<std::string> parts_;
};

// Files on their way into place begin so; never listed, never named by a client.
inline constexpr std::string_view kArtifactBeside = ".millrace-";

}  // namespace millrace::track
