#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "api/status.h"
#include "cli/host.h"
#include "core/yaml.h"

namespace millrace::cli {
namespace {

struct Parsed {
  const Command* command = nullptr;
  std::map<std::string, std::vector<std::string>> lists;  // words that may come several times
  std::map<std::string, std::optional<std::string>> words;
  std::map<std::string, bool> flags;
};

void add_words(CLI::App& app, const Command& command, Parsed& parsed) {
  for (const auto& word : command.positionals) {
    auto* option = word.many ? app.add_option(word.name, parsed.lists[word.name], word.summary)
                             : app.add_option(word.name, parsed.words[word.name], word.summary);
    option->required(word.required);
  }
  std::vector<Option> options = command.options;
  options.push_back(
      {.name = "--project", .value = "DIR", .summary = "folder with millrace.yaml (default: here or above)"});
  options.push_back({.name = "--state", .value = "DIR", .summary = "state folder (default: PROJECT/.millrace)"});
  options.push_back({.name = "--json", .value = "", .summary = "print the answer as JSON"});
  for (const auto& each : options) {
    if (each.value.empty()) {
      app.add_flag(each.name, parsed.flags[each.name], each.summary);
      continue;
    }
    auto* option = each.many ? app.add_option(each.name, parsed.lists[each.name], each.summary)
                             : app.add_option(each.name, parsed.words[each.name], each.summary);
    option->type_name(each.value)->required(each.required);
    if (each.many) option->expected(1)->take_all();
  }
}

// "modle approve" -> the command that was meant, if one is near.
std::string hint_for(const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (const auto& command : commands()) names.push_back(command.name);
  for (const size_t take : {size_t{2}, size_t{1}}) {
    if (words.size() < take) continue;
    const std::string tried = take == 2 ? words[0] + " " + words[1] : words[0];
    if (const auto near = did_you_mean(tried, names)) return "did you mean 'millrace " + *near + "'?";
  }
  return "'millrace --help' lists the commands";
}

// The word that names no command, with its group: "bogus", "data lst". Empty when the words name one.
std::string unknown_command(const std::vector<std::string>& words) {
  if (words.empty() || words[0].starts_with('-')) return "";
  const bool pair = words.size() > 1 && !words[1].starts_with('-');
  bool group = false;
  for (const auto& command : commands()) {
    if (command.name == words[0] || (pair && command.name == words[0] + " " + words[1])) return "";
    group = group || command.name.starts_with(words[0] + " ");
  }
  if (!group) return words[0];
  return pair ? words[0] + " " + words[1] : "";
}

void print_error(const Error& error, bool json) {
  if (json) {
    std::fprintf(stdout, "%s\n", api::problem(error, "").body.c_str());
  } else {
    std::fprintf(stderr, "millrace: %s\n", error.text().c_str());
  }
}

}  // namespace

int run_words(const std::vector<std::string>& words, Host& host) {
  CLI::App app("Millrace: the whole governed production loop of machine-learning models, in one program.", "millrace");
  app.set_version_flag("--version", MILLRACE_VERSION);
  app.require_subcommand(1);
  std::map<const Command*, Parsed> parsed;
  std::map<std::string, CLI::App*> groups;
  std::map<const Command*, CLI::App*> apps;
  for (const auto& command : commands()) {
    const auto space = command.name.find(' ');
    CLI::App* parent = &app;
    std::string last = command.name;
    if (space != std::string::npos) {
      const auto group = command.name.substr(0, space);
      last = command.name.substr(space + 1);
      auto& slot = groups[group];
      if (slot == nullptr) slot = app.add_subcommand(group, "");
      slot->require_subcommand(1);
      parent = slot;
    }
    auto* sub = parent->add_subcommand(last, command.summary);
    add_words(*sub, command, parsed[&command]);
    apps[&command] = sub;
  }
  for (auto& [name, group] : groups) {
    std::string words_of;
    for (auto* sub : group->get_subcommands({})) words_of += (words_of.empty() ? "" : ", ") + sub->get_name();
    group->description(words_of);
  }

  std::vector<std::string> reversed(words.rbegin(), words.rend());
  const bool wants_json = std::find(words.begin(), words.end(), "--json") != words.end();
  try {
    app.parse(reversed);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::string hint = hint_for(words);
    for (const auto& [command, sub] : apps)
      if (sub->parsed()) hint = "see 'millrace " + command->name + " --help'";
    const auto unknown = unknown_command(words);
    const std::string said = unknown.empty() ? error.what() : "there is no command '" + unknown + "'";
    print_error(Error{Code::invalid, said}.hint(hint), wants_json);
    return api::exit_status(Code::invalid);
  }
  for (const auto& command : commands()) {
    if (!apps[&command]->parsed()) continue;
    Args args;
    auto& found = parsed[&command];
    for (const auto& [name, values] : found.lists)
      for (const auto& value : values) args.add(name, value);
    for (const auto& [name, value] : found.words)
      if (value) args.add(name, *value);
    for (const auto& [name, set] : found.flags)
      if (set) args.add(name, "");
    Invocation invocation{.args = args, .host = host, .json = args.has("--json")};
    const auto outcome = command.run(invocation);
    if (outcome) return *outcome;
    print_error(outcome.error(), invocation.json);
    return api::exit_status(outcome.error().code());
  }
  return api::exit_status(Code::invalid);
}

}  // namespace millrace::cli
