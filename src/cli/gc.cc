#include <charconv>

#include <fmt/format.h>

#include "cli/host.h"

namespace millrace::cli {
namespace {

// "30d", "12h", "15m", "90s"
Result<int64_t> read_seconds(const std::string& text, const std::string& option) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, text.data() + text.size());
  const int64_t each = unit == "d" ? 86'400 : unit == "h" ? 3'600 : unit == "m" ? 60 : unit == "s" ? 1 : 0;
  if (error != std::errc() || number < 0 || each == 0 || number > 36'600)
    return Error{Code::invalid, fmt::format("'{}' is not a time", text.substr(0, 40))}.at_field(option).hint(
        "e.g. 30d, 12h, 15m or 90s");
  return number * each;
}

void add_items(const Json& answer, std::vector<std::vector<std::string>>& rows, int64_t& going) {
  for (const auto& item : answer.at("items")) {
    const auto kept = string_or(item, "kept_for", "");
    going += kept.empty() ? 1 : 0;
    rows.push_back({string_or(item, "kind", ""), string_or(item, "id", ""), string_or(item, "deleted_at", ""),
                    kept.empty() ? "" : "kept: needed by " + kept});
  }
}

std::string in_words(const Json& answer, int64_t going) {
  return fmt::format("{}, {} expired uploads, {} files left half-way and {} blobs ({} bytes) that nothing refers to",
                     going, integer_or(answer, "uploads", 0), integer_or(answer, "leftovers", 0),
                     integer_or(answer, "blobs", 0), integer_or(answer, "blob_bytes", 0));
}

Result<int> gc(Invocation& in) {
  MILLRACE_TRY(const auto older, read_seconds(in.args.get("--older-than", "30d"), "--older-than"));
  MILLRACE_TRY(const auto grace, read_seconds(in.args.get("--grace", "0s"), "--grace"));
  const bool files_only = in.args.has("--artifacts");
  const auto path = address({"gc"});
  MILLRACE_TRY(auto* gateway, in.gateway());
  std::vector<std::vector<std::string>> rows{{"kind", "id", "deleted", ""}};
  int64_t going = 0;
  if (!in.args.has("--yes")) {
    MILLRACE_TRY(const auto found, gateway->call("GET", fmt::format("{}?older_than_seconds={}&files_only={}", path,
                                                                    older, files_only ? "true" : "false")));
    add_items(found, rows, going);
    in.show(found, fmt::format("{}would remove {}; nothing is changed without --yes\n",
                               rows.size() > 1 ? table(rows) : "", in_words(found, going)));
    return 0;
  }
  const Json order{{"older_than_seconds", older}, {"grace_seconds", grace}, {"files_only", files_only}};
  Json all{{"removed", Json::array()}, {"kept", Json::array()}};
  for (bool more = true; more;) {
    MILLRACE_TRY(const auto swept, gateway->call("POST", path, order));
    add_items(swept, rows, going);
    more = find(swept, "more") != nullptr && swept.at("more") == true;
    for (const auto& item : swept.at("items"))
      if (string_or(item, "kept_for", "").empty()) all["removed"].push_back(item);
    for (const auto* name : {"uploads", "leftovers", "blobs", "blob_bytes"})
      all[name] = integer_or(all, name, 0) + integer_or(swept, name, 0);
    if (more) {
      std::erase_if(rows, [](const auto& row) { return row[3].starts_with("kept"); });  // said again at the end
      continue;
    }
    for (const auto& item : swept.at("items"))
      if (!string_or(item, "kept_for", "").empty()) all["kept"].push_back(item);
  }
  in.show(all, fmt::format("{}removed {}\n", rows.size() > 1 ? table(rows) : "", in_words(all, going)));
  return 0;
}

}  // namespace

std::vector<Command> gc_commands() {
  return {{.name = "gc",
           .summary = "remove deleted runs, models and experiments for good, and files that belong to nothing; without "
                      "--yes only say "
                      "what",
           .positionals = {},
           .options = {{.name = "--older-than",
                        .value = "TIME",
                        .summary = "deleted or last used at least so long ago (default 30d)"},
                       {.name = "--grace",
                        .value = "TIME",
                        .summary = "only what an earlier gc --yes has marked at least so long ago (default 0s)"},
                       {.name = "--artifacts",
                        .value = "",
                        .summary = "only files that belong to nothing: expired uploads, what died half-way, blobs"},
                       {.name = "--yes", .value = "", .summary = "do it"}},
           .run = gc}};
}

}  // namespace millrace::cli
