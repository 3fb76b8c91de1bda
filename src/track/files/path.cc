#include "track/files/path.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/files.h"

namespace millrace::track {
namespace {

constexpr int kDecodings = 8;  // nobody encodes a name more often by accident

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// What is no escape stays as it is.
std::string unquote(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low < 0) {
      out += text[i];
    } else {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

Result<void> check_once(std::string_view path) {
  MILLRACE_TRY(const auto safe, safe_relative(path));
  for (const char c : safe) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) return Error{Code::invalid, "the path holds a control character"};
    if (c == '#' || c == '?')
      return Error{Code::invalid, fmt::format("the path '{}' holds '{}'", safe.substr(0, 120), c)}.hint(
          "an address cannot carry it: rename the file");
  }
  if (safe.size() >= 2 && safe[1] == ':' && std::isalpha(static_cast<unsigned char>(safe[0])) != 0)
    return Error{Code::invalid, fmt::format("the path '{}' names a drive", safe.substr(0, 120))};
  return {};
}

// Whoever decodes once more than we do (a proxy, a client, a store) must not read another path.
Result<void> check(std::string_view path) {
  std::string now(path);
  for (int i = 0; i < kDecodings; ++i) {
    MILLRACE_DO(check_once(now));
    auto next = unquote(now);
    if (next == now) return {};
    now = std::move(next);
  }
  return Error{Code::invalid, "the path is encoded too many times"};
}

}  // namespace

Result<ArtifactPath> ArtifactPath::of(const std::string& workspace, std::string_view path) {
  std::vector<std::string> parts;
  if (workspace != "default") parts = {"workspaces", workspace};
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  if (path.empty()) return ArtifactPath(workspace, "", std::move(parts));
  if (auto good = check(path); !good)
    return Error{Code::invalid, fmt::format("Invalid path: {}", good.error().message())}.hint(good.error().hint());
  const size_t first = parts.size();
  for (size_t from = 0; from <= path.size();) {
    const size_t to = std::min(path.find('/', from), path.size());
    parts.emplace_back(path.substr(from, to - from));
    from = to + 1;
  }
  if (parts[first] == "workspaces")
    return Error{Code::invalid, "Invalid path: 'workspaces' is reserved"}.hint(
        "name the workspace in the header X-MLFLOW-WORKSPACE");
  if (std::any_of(parts.begin(), parts.end(),
                  [](const auto& part) { return part.starts_with(kArtifactBeside) || part.size() > 255; }))
    return Error{Code::invalid, "Invalid path: a part is longer than 255 bytes or begins with '.millrace-'"};
  return ArtifactPath(workspace, std::string(path), std::move(parts));
}

Result<ArtifactPath> ArtifactPath::of_file(const std::string& workspace, std::string_view path) {
  MILLRACE_TRY(auto checked, of(workspace, path));
  if (checked.is_root()) return Error{Code::invalid, "Invalid path: an artifact needs a name"};
  return checked;
}

std::string ArtifactPath::from_root() const { return fmt::format("{}", fmt::join(parts_, "/")); }

}  // namespace millrace::track
