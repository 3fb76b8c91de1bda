#include "cli/follow.h"

#include <fmt/format.h>

#include "core/error_json.h"

namespace millrace::cli {

namespace {

constexpr int kQuiet = 5;  // answers without a line (about a second each) before a word of progress

void say_progress(const Invocation& in, const Json& job, int seconds) {
  const auto* progress = find(job, "progress");
  const auto what = progress != nullptr ? string_or(*progress, "what", "") : std::string();
  const double share = progress != nullptr ? number_or(*progress, "share", 0) : 0;
  in.say(fmt::format("  ... {:3.0f} % {} ({} s)", share * 100, what.empty() ? string_or(job, "state", "") : what,
                     seconds));
}

}  // namespace

Result<Json> follow_job(const Invocation& in, Gateway& gateway, const std::string& id) {
  int64_t seen = 0;
  int quiet = 0, seconds = 0;
  while (true) {
    // The server holds the answer back until something happens, so this is no busy loop.
    MILLRACE_TRY(const auto job, gateway.call("GET", address({"jobs", id}) + "?wait=1"));
    MILLRACE_TRY(const auto log, gateway.call("GET", fmt::format("{}?after={}", address({"jobs", id, "log"}), seen)));
    quiet = log.at("items").empty() ? quiet + 1 : 0;
    if (++seconds; quiet == kQuiet) say_progress(in, job, seconds), quiet = 0;
    for (const auto& line : log.at("items")) {
      seen = integer_or(line, "line", seen);
      in.say("  " + string_or(line, "text", ""));
    }
    const auto state = string_or(job, "state", "");
    if (state == "done") return job;
    if (state == "failed" || state == "cancelled") {
      if (const auto* problem = find(job, "problem"); problem != nullptr && problem->is_object())
        return error_of_json(*problem);
      return Error{Code::rejected,
                   state == "cancelled" ? "the job was cancelled" : string_or(job, "error", "the job failed")}
          .hint("millrace job show " + id);
    }
  }
}

}  // namespace millrace::cli
