#include <fmt/format.h>

#include "cli/host.h"
#include "core/files.h"
#include "data/checks/check_schema.h"
#include "data/contracts/contract.h"
#include "data/contracts/contract_write.h"
#include "data/infer/infer.h"
#include "data/rules.h"

namespace millrace::cli {
namespace {

// To --out, or to standard output.
Result<void> deliver(const Invocation& in, const std::string& text) {
  if (!in.args.has("--out")) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return {};
  }
  return write_file(absolute(in.args.get("--out")), text, 0644);
}

Result<int> infer(Invocation& in) {
  std::vector<std::string> files;
  for (const auto& file : in.args.all("--data")) files.push_back(absolute(file));
  data::InferOptions what{.file_names = in.args.all("--data")};
  const auto stem = files.at(0).substr(files[0].rfind('/') + 1);
  what.name = in.args.get("--name", stem.substr(0, stem.find('.')));
  engine::EngineOptions options{.readable = files};
  for (const auto& pair : in.args.all("--ref")) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size())
      return Error{Code::invalid, "--ref takes NAME=FILE, not '" + pair + "'"};
    const auto file = absolute(pair.substr(equals + 1));
    what.references[pair.substr(0, equals)].push_back(file);
    options.readable.push_back(file);
  }
  MILLRACE_TRY(const auto session, in.host.engines().open(options));
  MILLRACE_DO(session->lock_down());
  MILLRACE_TRY(const auto document, data::infer_contract(*session, files, what));
  MILLRACE_DO(deliver(in, in.json ? to_pretty(document) + "\n" : data::write_contract(document)));
  return 0;
}

Json error_json(const Error& error) {
  Json out{{"message", error.message()}, {"hint", error.hint()}};
  if (!error.where().empty()) {
    out["line"] = error.where().line;
    out["column"] = error.where().column;
    out["field"] = error.where().field;
  }
  return out;
}

// All of them, the good ones too: one wrong file must not hide the next.
Result<int> validate(Invocation& in) {
  Json files = Json::array();
  std::string lines;
  int status = 0;
  for (const auto& path : in.args.all("FILE")) {
    const auto contract = data::load_contract(path);
    Json one{{"file", path}, {"ok", contract.ok()}};
    if (!contract) {
      one["error"] = error_json(contract.error());
      lines += contract.error().text() + "\n";
      status = 1;
    } else {
      size_t rules = 0;
      for (const auto& object : contract->objects) {
        const auto found = data::rules_of(*contract, object);
        if (found) rules += found->size();
      }
      one["id"] = contract->id;
      one["version"] = contract->version;
      one["digest"] = contract->digest;
      one["rules"] = rules;
      lines += fmt::format("{}: {} {}, {} rules\n", path, contract->id, contract->version, rules);
    }
    files.push_back(std::move(one));
  }
  in.show({{"files", files}}, lines);
  return status;
}

Result<int> schema(Invocation& in) {
  MILLRACE_DO(deliver(in, to_pretty(data::implementation_schema()) + "\n"));
  return 0;
}

Result<int> checks(Invocation& in) {
  const auto list = data::check_list();
  std::vector<std::vector<std::string>> rows{{"kind", "in a rule", "runs on", "meaning"}};
  for (const auto& kind : list) {
    std::string engines;
    for (const auto& engine : kind["runs_on"]) engines += (engines.empty() ? "" : ", ") + engine.get<std::string>();
    rows.push_back({string_or(kind, "name", ""), kind.value("custom", false) ? "yes" : "", engines,
                    string_or(kind, "summary", "")});
  }
  in.show(list, table(rows));
  return 0;
}

Result<int> format(Invocation& in) {
  MILLRACE_TRY(const auto contract, data::load_contract(in.args.get("FILE")));
  MILLRACE_DO(deliver(in, data::write_contract(contract.document)));
  return 0;
}

}  // namespace

std::vector<Command> contract_commands() {
  const Option out{.name = "--out", .value = "FILE", .summary = "write it there, not to standard output"};
  return {{.name = "contract validate",
           .summary = "read contracts and say what is wrong with them; status 1 if anything is",
           .positionals = {{"FILE", "ODCS contracts (*.odcs.yaml)", true, true}},
           .options = {},
           .run = validate},
          {.name = "contract format",
           .summary = "a contract with the standard's keys in the standard's order (comments are not kept)",
           .positionals = {{"FILE", "ODCS contract"}},
           .options = {out},
           .run = format},
          {.name = "contract schema",
           .summary = "the JSON Schema of 'implementation' in rules of type custom, engine millrace",
           .positionals = {},
           .options = {out},
           .run = schema},
          {.name = "contract checks",
           .summary = "the kinds of checks, and where they run",
           .positionals = {},
           .options = {},
           .run = checks},
          {.name = "contract infer",
           .summary = "propose a contract from data: types, keys, ranges, sets, patterns, each with its confidence",
           .positionals = {},
           .options = {{.name = "--data",
                        .value = "FILE",
                        .summary = "CSV or Parquet file; several are batches in the order of their arrival",
                        .required = true,
                        .many = true},
                       {.name = "--ref",
                        .value = "NAME=FILE",
                        .summary = "another dataset that columns may be keys of",
                        .many = true},
                       {.name = "--name", .value = "NAME", .summary = "of the contract (default: the first file's)"},
                       out},
           .run = infer}};
}

}  // namespace millrace::cli
