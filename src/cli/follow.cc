#include "cli/follow.h"

#include <fmt/format.h>

#include "core/error_json.h"

namespace millrace::cli {

Result<Json> follow_job(const Invocation& in, Gateway& gateway, const std::string& id) {
  int64_t seen = 0;
  while (true) {
    // The server holds the answer back until something happens, so this is no busy loop.
    MILLRACE_TRY(const auto job, gateway.call("GET", address({"jobs", id}) + "?wait=1"));
    MILLRACE_TRY(const auto log, gateway.call("GET", fmt::format("{}?after={}", address({"jobs", id, "log"}), seen)));
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
