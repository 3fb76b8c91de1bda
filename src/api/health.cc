#include "api/health.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "core/files.h"

namespace millrace::api {
namespace {

constexpr uint64_t kDiskWarn = 1ULL << 30, kDiskFail = 100ULL << 20;
constexpr double kShareWarn = 0.05, kShareFail = 0.01;
constexpr Micros kSlowStore = 500'000;
constexpr Micros kLongWait = 10LL * 60 * 1'000'000;
constexpr Micros kDay = 24LL * 3600 * 1'000'000;
constexpr Micros kClockStep = 1'000'000;

Json check(std::string_view name, std::string_view state, std::string text, Json value = nullptr) {
  return {{"name", name}, {"state", state}, {"text", std::move(text)}, {"value", std::move(value)}};
}

std::string gibibytes(uint64_t bytes) { return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / (1ULL << 30)); }

struct Disk {
  uint64_t free = 0, total = 0;
  int error = 0;
};

Disk disk_of(const std::string& folder) {
  struct statvfs state {};
  if (::statvfs(folder.c_str(), &state) != 0) return {.error = errno};
  return {state.f_bavail * state.f_frsize, state.f_blocks * state.f_frsize};
}

Json disk_check(const Disk& disk) {
  if (disk.error != 0)
    return check("disk", "fail", fmt::format("the disk does not answer: {}", std::strerror(disk.error)));
  const double share = disk.total == 0 ? 1 : static_cast<double>(disk.free) / static_cast<double>(disk.total);
  const bool fail = disk.free < kDiskFail || share < kShareFail, warn = disk.free < kDiskWarn || share < kShareWarn;
  return check("disk",
               fail   ? "fail"
               : warn ? "warn"
                      : "ok",
               fmt::format("{} of {} free", gibibytes(disk.free), gibibytes(disk.total)), share);
}

Json blobs_check(const std::string& folder) {
  if (::access(folder.c_str(), R_OK | W_OK | X_OK) == 0) return check("blobs", "ok", "the folder can be written");
  return check("blobs", "fail", fmt::format("{}: {}", folder, std::strerror(errno)));
}

struct Rows {
  Micros took = 0;
  int64_t newest = 0, counted = 0;               // lines of the journal
  Micros written = 0;                            // its newest line
  int64_t waiting = 0, running = 0, failed = 0;  // jobs; failed: in the last day
  Micros oldest = 0;                             // since when the oldest job waits that could run
  int64_t bytes = 0;                             // of a database of PostgreSQL
};

Result<Rows> read_rows(const HealthParts& parts) {
  Rows out;
  const Micros now = parts.context.now();
  const Micros began = parts.context.clock.steady();
  MILLRACE_DO(parts.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto line,
                 session.first("SELECT sequence, recorded_at FROM journal ORDER BY sequence DESC LIMIT 1"));
    if (line) out.newest = line->integer(0), out.written = line->integer(1);
    out.took = parts.context.clock.steady() - began;
    MILLRACE_TRY(const auto counted,
                 session.first("SELECT CAST(coalesce(sum(lines), 0) AS INTEGER) FROM journal_counts WHERE day = -1"));
    out.counted = counted->integer(0);
    MILLRACE_TRY(const auto jobs, session.first("SELECT (SELECT count(*) FROM jobs WHERE state = 'waiting'), (SELECT "
                                                "count(*) FROM jobs WHERE state = 'running'), (SELECT count(*) FROM "
                                                "jobs WHERE state = 'failed' AND updated_at > ?), (SELECT "
                                                "coalesce(min(run_after), 0) FROM jobs WHERE state = 'waiting')",
                                                {now - kDay}));
    out.waiting = jobs->integer(0);
    out.running = jobs->integer(1);
    out.failed = jobs->integer(2);
    MILLRACE_TRY(
        const auto oldest,
        session.first("SELECT coalesce(min(created_at), 0) FROM jobs WHERE state = 'waiting' AND run_after <= ?",
                      {now}));
    out.oldest = oldest->integer(0);
    if (!parts.database_file.empty()) return {};
    MILLRACE_TRY(const auto size, session.first("SELECT pg_database_size(current_database())"));
    out.bytes = size->integer(0);
    return {};
  }));
  return out;
}

Json journal_check(const Rows& rows) {
  if (rows.counted == rows.newest)
    return check("journal", "ok", fmt::format("{} lines; verify it with: millrace audit verify", rows.newest),
                 rows.newest);
  return check("journal", "warn",
               fmt::format("{} lines, of which {} are counted for searches; verify it with: millrace audit verify",
                           rows.newest, rows.counted),
               rows.newest);
}

Json jobs_check(const Rows& rows, Micros now) {
  const bool stuck = rows.oldest != 0 && now - rows.oldest > kLongWait;
  auto text = fmt::format("{} waiting, {} running, {} failed in the last day", rows.waiting, rows.running, rows.failed);
  if (stuck) text += fmt::format("; one waits since {}", to_iso(rows.oldest));
  return check("jobs", stuck || rows.failed > 0 ? "warn" : "ok", std::move(text), rows.waiting);
}

Json clock_check(const Rows& rows, Micros now) {
  if (rows.written - now < kClockStep) return check("clock", "ok", to_iso(now));
  return check(
      "clock", "warn",
      fmt::format("it is {} here, and the newest line of the journal was written at {}: the clock was set back",
                  to_iso(now), to_iso(rows.written)));
}

Json serving_check(const serve::DataPlane& plane) {
  const auto models = plane.models();
  size_t wanted = 0, ready = 0;
  std::string why;
  for (const auto& model : models) {
    if (!model.wanted) continue;
    ++wanted;
    ready += model.ready;
    if (!model.ready) why += fmt::format("; {}: {}", model.name, model.reason);
  }
  if (wanted == 0) return check("serving", "ok", "no deployment has a release yet", 0);
  return check("serving",
               ready == wanted ? "ok"
               : ready == 0    ? "fail"
                               : "warn",
               fmt::format("{} of {} deployments answer{}", ready, wanted, why), ready);
}

std::string worst_of(const Json& checks) {
  std::string worst = "ok";
  for (const auto& each : checks) {
    if (each["state"] == "fail") return "fail";
    if (each["state"] == "warn") worst = "warn";
  }
  return worst;
}

int64_t bytes_of(const std::string& file) {
  int64_t sum = 0;
  for (const char* part : {"", "-wal", "-shm"})
    if (const auto size = file_size(file + part)) sum += *size;
  return sum;
}

}  // namespace

Json Health::look() const {
  Json checks = Json::array();
  const Micros now = parts_.context.now();
  const auto rows = read_rows(parts_);
  if (rows)
    checks.push_back(check("store", rows->took > kSlowStore ? "warn" : "ok",
                           fmt::format("answered in {:.1f} ms", static_cast<double>(rows->took) / 1'000),
                           static_cast<double>(rows->took) / 1'000));
  else
    checks.push_back(check("store", "fail", rows.error().text()));
  const auto disk = disk_of(parts_.state);
  checks.push_back(blobs_check(parts_.blobs));
  checks.push_back(disk_check(disk));
  checks.push_back(serving_check(parts_.data_plane));
  if (rows) {
    checks.push_back(journal_check(*rows));
    checks.push_back(jobs_check(*rows, now));
    checks.push_back(clock_check(*rows, now));
  }
  if (parts_.follows) checks.push_back(check("follower", "ok", "looks for releases of other servers on this store"));
  const bool sqlite = !parts_.database_file.empty();
  Json out{{"state", worst_of(checks)},
           {"version", MILLRACE_VERSION},
           {"now", to_iso(now)},
           {"uptime_s", (parts_.context.clock.steady() - started_) / 1'000'000},
           {"http", parts_.http()},
           {"grpc", parts_.grpc()},
           {"store",
            {{"engine", sqlite ? "sqlite" : "postgresql"},
             {"size_bytes", sqlite ? Json(bytes_of(parts_.database_file))
                            : rows ? Json(rows->bytes)
                                   : Json()}}},
           {"disk", {{"free_bytes", disk.free}, {"total_bytes", disk.total}}},
           {"jobs", nullptr}};
  if (rows) out["jobs"] = {{"waiting", rows->waiting}, {"running", rows->running}, {"failed", rows->failed}};
  out["checks"] = std::move(checks);
  return out;
}

}  // namespace millrace::api
