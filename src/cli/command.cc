#include "cli/command.h"

#include <unistd.h>

#include <charconv>
#include <cstdio>

#include <fmt/format.h>

#include "api/client.h"
#include "cli/host.h"
#include "core/files.h"

namespace millrace::cli {

#define MILLRACE_COMMANDS(name) std::vector<Command> name##_commands();
#include "cli/list.inc"
#undef MILLRACE_COMMANDS

const std::vector<Command>& commands() {
  static const std::vector<Command> all = [] {
    std::vector<Command> out;
    const auto add = [&](std::vector<Command> some) {
      for (auto& command : some) out.push_back(std::move(command));
    };
#define MILLRACE_COMMANDS(name) add(name##_commands());
#include "cli/list.inc"
#undef MILLRACE_COMMANDS
    return out;
  }();
  return all;
}

std::string Args::get(const std::string& name, const std::string& otherwise) const {
  const auto found = values_.find(name);
  return found == values_.end() || found->second.empty() ? otherwise : found->second.back();
}

const std::vector<std::string>& Args::all(const std::string& name) const {
  static const std::vector<std::string> none;
  const auto found = values_.find(name);
  return found == values_.end() ? none : found->second;
}

Result<int64_t> Args::integer(const std::string& name, int64_t otherwise) const {
  if (!has(name)) return otherwise;
  const auto text = get(name);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return Error{Code::invalid, fmt::format("{} must be a whole number, not '{}'", name, text)};
  return value;
}

Result<Gateway*> Invocation::gateway() {
  MILLRACE_TRY(const auto state, state_folder());
  return host.gateway(project_folder(), state);
}

std::string Invocation::project_folder() const {
  if (args.has("--project")) return absolute(args.get("--project"));
  char here[4096];
  if (::getcwd(here, sizeof here) == nullptr) return "";
  for (std::string at = here;; at = parent_of(at)) {
    if (exists(at + "/millrace.yaml")) return at;
    if (at == "/" || at == ".") return "";
  }
}

Result<std::string> Invocation::state_folder() const {
  if (args.has("--state")) return absolute(args.get("--state"));
  const auto project = project_folder();
  if (!project.empty()) return project + "/.millrace";
  return Error{Code::invalid, "there is no millrace.yaml here or above, and no --state"}.hint(
      "go to a project's folder, or give --project DIR or --state DIR");
}

void Invocation::show(const Json& value, const std::string& lines) const {
  const std::string text = json ? to_pretty(value) : lines;
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (!text.empty() && text.back() != '\n') std::fputc('\n', stdout);
  std::fflush(stdout);
}

void Invocation::say(const std::string& line) const {
  FILE* out = json ? stderr : stdout;
  std::fprintf(out, "%s\n", line.c_str());
  std::fflush(out);
}

Result<std::vector<std::string>> split_words(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool open = false;
  char quote = '\0';
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != '\0') {
      if (c == quote)
        quote = '\0';
      else
        word += c;
    } else if (c == '\'' || c == '"') {
      quote = c;
      open = true;
    } else if (c == '\\' && i + 1 < line.size()) {
      word += line[++i];
      open = true;
    } else if (c == ' ' || c == '\t') {
      if (open) words.push_back(std::exchange(word, {}));
      open = false;
    } else {
      word += c;
      open = true;
    }
  }
  if (quote != '\0') return Error{Code::invalid, fmt::format("a quote is not closed in: {}", line)};
  if (open) words.push_back(word);
  return words;
}

std::string verdict_word(const Json& check) {
  const auto* ok = find(check, "ok");
  if (ok == nullptr || !ok->is_boolean()) return "not run";
  return ok->get<bool>() ? "yes" : "NO";
}

std::string with_commas(int64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<int64_t>(text.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3)
    text.insert(static_cast<size_t>(at), ",");
  return text;
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows)
    for (size_t i = 0; i < row.size(); ++i) {
      if (widths.size() <= i) widths.push_back(0);
      widths[i] = std::max(widths[i], row[i].size());
    }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    while (line.ends_with(' ')) line.pop_back();
    out += line + "\n";
  }
  return out;
}

std::string address(const std::vector<std::string>& parts) {
  std::string out = "/api/millrace/v1";
  for (const auto& part : parts) out += "/" + api::encode_path(part);
  return out;
}

}  // namespace millrace::cli
