// Versions elsewhere, and what nothing names any more.
#include <fmt/format.h>

#include <unistd.h>
#include <charconv>
#include <cstdio>

#include "cli/data/data_words.h"
#include "cli/host.h"
#include "core/files.h"
#include "versions/gc.h"
#include "versions/remotes/remote.h"

namespace millrace::cli {
namespace {

namespace v = versions;

constexpr Micros kIdle = 3'600LL * 1'000'000;  // that garbage must have lain

Result<v::Remote> remote_of(Invocation& in, const v::Workspace& workspace, const std::string& option) {
  const auto name = in.args.has(option) ? in.args.get(option) : workspace.tracked().remote;
  if (name.empty())
    return Error{Code::invalid, "no remote is known"}
        .at({.file = workspace.place().root + "/" + std::string(v::kTrackedFile)})
        .hint(fmt::format("say it once: {} FOLDER or {} s3://BUCKET/PREFIX", option, option));
  const bool is_uri = name.find("://") != std::string::npos;
  const auto place = is_uri || name.starts_with("/") ? name : workspace.place().root + "/" + name;
  MILLRACE_TRY(auto files, in.host.open_files(place));
  return v::Remote{.files = std::move(files), .name = name.substr(0, name.find('?'))};
}

// On a terminal, one line that moves.
std::function<void(int64_t, int64_t)> progress_line(const std::string& doing) {
  if (::isatty(STDERR_FILENO) == 0) return [](int64_t, int64_t) {};
  return [doing](int64_t done, int64_t all) {
    std::fprintf(stderr, "\r%s %lld of %lld MB%s", doing.c_str(), static_cast<long long>(done / 1'000'000),
                 static_cast<long long>(all / 1'000'000), done >= all ? "\n" : "");
  };
}

void show_transfer(Invocation& in, const v::Transfer& done, const std::string& verb, const std::string& remote) {
  Json names = Json::object();
  std::string lines =
      fmt::format("{}: {} {} objects, {} bytes in {} files; {} were there\n", remote, verb, with_commas(done.objects),
                  with_commas(done.bytes), with_commas(done.files), with_commas(done.there));
  for (const auto& [name, digest] : done.names) {
    names[name] = digest;
    lines += fmt::format("  {} -> {}\n", name, digest.substr(7, 12));
  }
  in.show(Json{{"remote", remote},
               {"objects", done.objects},
               {"bytes", done.bytes},
               {"files", done.files},
               {"there", done.there},
               {"names", names}},
          lines);
}

// What was said once is written down for everybody.
Result<void> remember(Invocation& in, v::Workspace& workspace, const std::string& option) {
  if (!in.args.has(option) || !workspace.tracked().remote.empty()) return {};
  return workspace.set_remote(in.args.get(option));
}

Result<int> push(Invocation& in) {
  MILLRACE_TRY(const auto place, place_of(in));
  MILLRACE_TRY(const auto reading, v::lock_objects(place, v::Sharing::together));
  MILLRACE_TRY(auto workspace, v::Workspace::open(place, in.host.context()));
  MILLRACE_TRY(const auto remote, remote_of(in, workspace, "--to"));
  MILLRACE_TRY(const auto done,
               v::push(workspace, remote, {.force = in.args.has("--force"), .progress = progress_line("sent")}));
  MILLRACE_DO(remember(in, workspace, "--to"));
  show_transfer(in, done, "sent", remote.name);
  return 0;
}

Result<int> pull(Invocation& in) {
  MILLRACE_TRY(const auto place, place_of(in));
  MILLRACE_TRY(const auto lock, v::lock_for_change(place, "data pull"));
  MILLRACE_TRY(auto workspace, v::Workspace::open(place, in.host.context()));
  MILLRACE_TRY(const auto remote, remote_of(in, workspace, "--from"));
  MILLRACE_TRY(const auto done,
               v::pull(workspace, remote, {.force = in.args.has("--force"), .progress = progress_line("fetched")}));
  MILLRACE_DO(remember(in, workspace, "--from"));
  show_transfer(in, done, "fetched", remote.name);
  return 0;
}

Result<Micros> idle_of(const Invocation& in) {
  if (!in.args.has("--idle")) return kIdle;
  const auto text = in.args.get("--idle");
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, text.data() + text.size());
  const int64_t each = unit == "d" ? 86'400 : unit == "h" ? 3'600 : unit == "m" ? 60 : unit == "s" ? 1 : 0;
  if (error != std::errc() || number < 0 || each == 0 || number > 36'600)
    return Error{Code::invalid, fmt::format("'{}' is not a time", text.substr(0, 40))}.at_field("--idle").hint(
        "e.g. 12h, 15m or 0s");
  return number * each * 1'000'000;
}

Result<int> gc(Invocation& in) {
  MILLRACE_TRY(const auto idle, idle_of(in));
  const bool remove = in.args.has("--yes");
  MILLRACE_TRY(const auto place, place_of(in));
  MILLRACE_TRY(const auto lock, v::lock_for_change(place, "data gc"));
  MILLRACE_TRY(const auto alone, v::lock_objects(place, v::Sharing::alone));
  MILLRACE_TRY(auto workspace, v::Workspace::open(place, in.host.context()));
  MILLRACE_TRY(const auto found,
               v::collect_garbage(workspace, remove ? v::Collecting::remove : v::Collecting::look, idle));
  in.show(Json{{"live", found.live},
               {"objects", found.objects},
               {"bytes", found.bytes},
               {"kept_young", found.kept_young},
               {"removed_files", found.removed_files},
               {"rewritten_packs", found.rewritten_packs},
               {"freed_bytes", found.freed_bytes},
               {"leftovers", found.leftovers}},
          fmt::format("{} objects are in use; {} objects ({} bytes) are not, {} of them too young to go; {} unfinished "
                      "additions\n{}",
                      with_commas(found.live), with_commas(found.objects), with_commas(found.bytes),
                      with_commas(found.kept_young), found.leftovers,
                      remove ? fmt::format("removed {} files, rewrote {} packs, freed {} bytes\n",
                                           with_commas(found.removed_files), found.rewritten_packs,
                                           with_commas(found.freed_bytes))
                             : "nothing is changed without --yes\n"));
  return 0;
}

}  // namespace

std::vector<Command> data_remote_commands() {
  return {
      {.name = "data push",
       .summary = "send what tags, branches and tracked paths need to a remote; only what is missing there",
       .positionals = {},
       .options = {{.name = "--to",
                    .value = "REMOTE",
                    .summary = "a folder or s3://BUCKET/PREFIX (default: that of millrace-data.yaml)"},
                   {.name = "--force", .value = "", .summary = "move the remote's names wherever ours are"}},
       .run = push},
      {.name = "data pull",
       .summary = "fetch what millrace-data.yaml and the remote's tags and branches need; then millrace data checkout",
       .positionals = {},
       .options = {{.name = "--from",
                    .value = "REMOTE",
                    .summary = "a folder or s3://BUCKET/PREFIX (default: that of millrace-data.yaml)"},
                   {.name = "--force", .value = "", .summary = "move our names wherever the remote's are"}},
       .run = pull},
      {.name = "data gc",
       .summary = "what no tag, branch or tracked path needs; removes it with --yes",
       .positionals = {},
       .options = {{.name = "--yes", .value = "", .summary = "remove it"},
                   {.name = "--idle", .value = "TIME", .summary = "only what has lain so long (default: 1h)"}},
       .run = gc}};
}

}  // namespace millrace::cli
