#include "api/token_file.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/files.h"
#include "core/hash.h"
#include "core/ids.h"
#include "core/yaml.h"

namespace millrace::api {
namespace {

constexpr std::array<std::string_view, 4> kRoles{"reader", "writer", "approver", "admin"};

std::vector<std::string> split(std::string_view text, std::string_view separators) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find_first_of(separators, at), text.size());
    if (end > at) out.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

struct Line {
  std::string digest;
  Caller caller;
};

Result<Line> read_line(std::string_view text, const Where& where) {
  const auto refuse = [&](std::string what, std::string hint) {
    return Error{Code::invalid, std::move(what)}.at(where).hint(std::move(hint));
  };
  const auto words = split(text, " \t\r");
  if (words.size() != 3)
    return refuse("a line of a token file has three words", "write SUBJECT ROLE[,ROLE] TOKEN, e.g. shop reader mr_...");
  if (!is_name(words[0])) return refuse("the subject is not a name", "letters, digits, '_', '-' and '.'");
  Line out{.digest = words[2], .caller = {.subject = words[0], .roles = split(words[1], ",")}};
  for (const auto& role : out.caller.roles) {
    if (std::find(kRoles.begin(), kRoles.end(), role) != kRoles.end()) continue;
    const auto near = did_you_mean(role, {kRoles.begin(), kRoles.end()});
    return refuse(
        fmt::format("there is no role '{}'", role.substr(0, 50)),
        near ? fmt::format("did you mean '{}'?", *near) : fmt::format("there are: {}", fmt::join(kRoles, ", ")));
  }
  if (out.caller.roles.empty()) return refuse("the roles are empty", "reader is enough to ask a model");
  if (is_digest(words[2])) return out;
  if (words[2].starts_with("sha256:")) return refuse("the digest is none", "sha256: and 64 hexadecimal digits");
  if (words[2].size() < limits::token_bytes)
    return refuse(fmt::format("the token is shorter than {} characters", limits::token_bytes),
                  "make one that cannot be guessed: openssl rand -hex 32");
  out.digest = digest_of(words[2]);
  return out;
}

}  // namespace

Result<TokenFile> TokenFile::load(const std::string& path) {
  MILLRACE_TRY(const auto text, read_file(path, limits::token_file_bytes));
  return parse(text, path);
}

Result<TokenFile> TokenFile::parse(std::string_view text, const std::string& path) {
  TokenFile out;
  int number = 0;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    auto line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (line.empty() || line.front() == '#') continue;
    const Where where{.file = path, .line = number};
    MILLRACE_TRY(auto read, read_line(line, where));
    if (!out.by_digest_.emplace(std::move(read.digest), std::move(read.caller)).second)
      return Error{Code::invalid, "this token stands in the file twice"}.at(where);
    if (out.by_digest_.size() > limits::token_file_lines)
      return Error{Code::too_large, fmt::format("a token file has at most {} tokens", limits::token_file_lines)}.at(
          where);
  }
  if (out.by_digest_.empty())
    return Error{Code::invalid, "the token file has no token"}
        .at({.file = path})
        .hint("write a line SUBJECT ROLE TOKEN, e.g. shop reader and what openssl rand -hex 32 says");
  return out;
}

Result<Caller> TokenFile::of_token(const std::string& workspace, std::string_view token) const {
  const auto found = by_digest_.find(digest_of(token));
  if (found == by_digest_.end()) return Error{Code::unauthenticated, "the token is not known"};
  Caller out = found->second;
  out.workspace = workspace;
  return out;
}

}  // namespace millrace::api
