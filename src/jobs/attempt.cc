#include "jobs/attempt.h"

#include <algorithm>
#include <cmath>

namespace millrace::jobs {

Runner::Attempt::Attempt(Record record, store::Database& database, Context& context)
    : record_(std::move(record)),
      caller_(record_.caller()),
      database_(database),
      context_(context),
      beaten_(context.now()) {}

void Runner::Attempt::log(std::string_view line) {
  write([&](store::Session& session, Micros now) { return add_log(session, record_, line, now); });
}

void Runner::Attempt::progress(double share, std::string_view what) {
  const double kept = std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0.0;
  const Json value{{"share", kept}, {"what", std::string(what)}};
  write([&](store::Session& session, Micros now) { return beat_job(session, record_, now, &value); });
}

void Runner::Attempt::beat() {
  if (context_.now() - beaten_ < kLease / 3) return;
  write([&](store::Session& session, Micros now) { return beat_job(session, record_, now); });
}

void Runner::Attempt::write(const std::function<Result<Beat>(store::Session&, Micros)>& rows) {
  if (lost_) return;
  const Micros now = context_.now();
  Beat beat;
  const auto done = database_.write([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(beat, rows(session, now));
    return {};
  });
  if (!done) {
    // The work goes on: the next beat tries again, and if none succeeds the lease runs out by itself.
    context_.log.warn("jobs.not_written", {{"job", record_.job.id}, {"error", done.error().text()}});
    return;
  }
  beaten_ = now;
  if (!beat.held) lost_ = true;
  if (beat.cancel) cancel_ = true;
}

}  // namespace millrace::jobs
