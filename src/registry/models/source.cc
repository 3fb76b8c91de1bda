#include "registry/models/source.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace millrace::registry {
namespace {

constexpr size_t kSourceBytes = 4'096;

int hex_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string unquoted_once(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_of(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_of(text[i + 2]) : -1;
    if (low < 0) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

// Each round that changes something makes the text shorter.
std::string unquoted(std::string text) {
  for (auto next = unquoted_once(text); next != text; next = unquoted_once(text)) text = next;
  return text;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  for (size_t from = 0; from <= text.size();) {
    const size_t to = std::min(text.find('/', from), text.size());
    if (to > from) out.emplace_back(text.substr(from, to - from));
    from = to + 1;
  }
  return out;
}

Error hides_something(const std::string& source) {
  return Error{Code::invalid,
               fmt::format("Invalid model version source: '{}'. If supplying a source as an http, https, local file "
                           "path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without "
                           "relative path references present. Please provide an absolute path.",
                           source.substr(0, 500))};
}

Error is_local(const std::string& source) {
  return Error{Code::invalid,
               fmt::format("Invalid model version source: '{}'. To use a local path as a model version source, the "
                           "run_id request parameter has to be specified and the local path has to be contained "
                           "within the artifact directory of the run specified by the run_id.",
                           source.substr(0, 500))};
}

bool hides(const std::string& plain) {
  const auto odd = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '#' || c == '?' || c == '\\';
  };
  const auto parts = split(plain);
  return std::any_of(plain.begin(), plain.end(), odd) ||
         std::any_of(parts.begin(), parts.end(), [](const auto& part) { return part == "." || part == ".."; });
}

std::string scheme_of(const std::string& plain) {
  const auto colon = plain.find(':');
  if (colon == std::string::npos || colon == 0 || std::isalpha(static_cast<unsigned char>(plain[0])) == 0) return "";
  std::string out;
  for (const char c : plain.substr(0, colon)) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '+' && c != '-' && c != '.') return "";
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

Result<SourceUri> of_models(const std::string& source, const std::vector<std::string>& parts) {
  SourceUri out;
  if (parts.empty() || parts.size() > 2) return foreign_source(source, "model_id");
  const auto at = parts[0].rfind('@');
  if (parts.size() == 2) {
    out.kind = SourceUri::Kind::version;
    out.id = parts[0];
    out.pointer = parts[1];
  } else if (at != std::string::npos && at > 0 && at + 1 < parts[0].size()) {
    out.kind = SourceUri::Kind::version;
    out.id = parts[0].substr(0, at);
    out.pointer = parts[0].substr(at);
  } else {
    out.kind = SourceUri::Kind::logged_model;
    out.id = parts[0];
  }
  return out;
}

// A server's own proxy by another name.
bool is_proxy(const std::vector<std::string>& parts) {
  const std::vector<std::string> route{"mlflow-artifacts", "artifacts"};
  return std::search(parts.begin(), parts.end(), route.begin(), route.end()) != parts.end();
}

}  // namespace

Error foreign_source(const std::string& source, std::string_view parameter) {
  return Error{Code::invalid,
               fmt::format("Invalid model version source: '{}'. The {} request parameter must identify the resource "
                           "that contains the source.",
                           source.substr(0, 500), parameter)};
}

std::string joined(const std::vector<std::string>& parts) { return fmt::format("{}", fmt::join(parts, "/")); }

bool is_within(const std::vector<std::string>& parts, std::string_view root_path) {
  const auto root = split(root_path);
  return !root.empty() && parts.size() >= root.size() && std::equal(root.begin(), root.end(), parts.begin());
}

Result<void> check_plain(const std::string& source) {
  if (source.size() > kSourceBytes)
    return Error{Code::invalid, fmt::format("Invalid model version source: it has more than {} bytes", kSourceBytes)};
  return hides(unquoted(source)) ? Result<void>(hides_something(source)) : Result<void>{};
}

Result<SourceUri> parse_source(const std::string& source) {
  MILLRACE_DO(check_plain(source));
  const auto plain = unquoted(source);
  const auto scheme = scheme_of(plain);
  if (scheme.empty() || scheme == "file") return is_local(source);
  const auto rest = plain.substr(scheme.size() + 1);
  const bool named_host = rest.starts_with("//");
  auto parts = split(rest);
  if (scheme == "runs") {
    if (named_host || parts.empty()) return foreign_source(source, "run_id");
    SourceUri out{.kind = SourceUri::Kind::run, .id = parts[0], .pointer = {}, .path = {}};
    out.path.assign(parts.begin() + 1, parts.end());
    return out;
  }
  if (scheme == "models") {
    if (named_host) return foreign_source(source, "model_id");
    return of_models(source, parts);
  }
  if (scheme == "mlflow-artifacts") {
    if (named_host) return foreign_source(source, "run_id");
    return SourceUri{.kind = SourceUri::Kind::artifacts, .id = {}, .pointer = {}, .path = std::move(parts)};
  }
  if (is_proxy(parts)) return foreign_source(source, "run_id");
  return SourceUri{};
}

}  // namespace millrace::registry
