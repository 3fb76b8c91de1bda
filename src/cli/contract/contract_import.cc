#include <fmt/format.h>

#include "cli/host.h"
#include "core/files.h"
#include "data/contracts/contract.h"
#include "data/contracts/contract_write.h"
#include "data/import/import.h"

namespace millrace::cli {
namespace {

constexpr size_t kBytes = 64 << 20;  // a manifest of dbt holds all its macros

using Import = Result<data::ImportedContract> (*)(std::string_view, const std::string&, const std::string&);

Result<int> import_contract(Invocation& in) {
  static constexpr std::pair<std::string_view, Import> kTools[] = {
      {"gx", data::import_gx}, {"dbt", data::import_dbt}, {"pandera", data::import_pandera}};
  const auto tool = in.args.get("TOOL"), path = in.args.get("FILE");
  const auto found =
      std::find_if(std::begin(kTools), std::end(kTools), [&](const auto& one) { return one.first == tool; });
  if (found == std::end(kTools))
    return Error{Code::invalid, fmt::format("unknown tool '{}'", tool)}.hint("one of gx, dbt, pandera");
  MILLRACE_TRY(const auto text, read_file(path, kBytes));
  MILLRACE_TRY(const auto imported, found->second(text, path, in.args.get("--name")));
  const auto yaml = data::write_contract(imported.document);
  // What is handed out can be read back.
  auto read = data::parse_contract(yaml, path);
  if (!read) return std::move(read.error().while_doing("importing from " + tool));
  std::string lines;
  if (in.args.has("--out"))
    MILLRACE_DO(write_file(absolute(in.args.get("--out")), yaml, 0644));
  else
    lines = yaml;
  for (const auto& one : imported.left_out)
    std::fprintf(stderr, "left out: %s of %s: %s\n", one.name.c_str(), one.about.c_str(), one.why.c_str());
  if (in.args.has("--out")) lines = fmt::format("{} taken, {} left out\n", imported.taken, imported.left_out.size());
  in.show(imported.to_json(), lines);
  return 0;
}

}  // namespace

std::vector<Command> contract_import_commands() {
  return {{.name = "contract import",
           .summary = "a contract out of a Great Expectations suite, dbt's tests or a Pandera schema; what it cannot "
                      "say is listed",
           .positionals = {{"TOOL", "gx, dbt or pandera"},
                           {"FILE", "suite.json; schema.yml or manifest.json; schema.yaml or .json"}},
           .options = {{.name = "--name",
                        .value = "NAME",
                        .summary = "of the contract (default: what the file calls itself)"},
                       {.name = "--out", .value = "FILE", .summary = "write it there, not to standard output"}},
           .run = import_contract}};
}

}  // namespace millrace::cli
