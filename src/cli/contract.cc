#include <fmt/format.h>

#include "cli/host.h"
#include "core/files.h"
#include "data/contract.h"
#include "data/contract_write.h"
#include "data/infer.h"

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

}  // namespace

std::vector<Command> contract_commands() {
  return {{.name = "contract infer",
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
                       {.name = "--out", .value = "FILE", .summary = "write it there, not to standard output"}},
           .run = infer}};
}

}  // namespace millrace::cli
