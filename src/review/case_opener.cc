#include "review/case_opener.h"

#include <chrono>

#include "core/fault.h"
#include "core/files.h"

namespace millrace::review {
namespace {

constexpr auto kBehind = std::chrono::seconds(1);  // between tries, while the store is away
constexpr auto kIdle = std::chrono::seconds(60);   // so that a start has not all of the log to look through
constexpr size_t kFileBytes = 4'096;

}  // namespace

std::string CaseOpener::file_of(const std::string& deployment) const {
  return parts_.predictions_folder + "/" + deployment + "/cases.json";
}

Result<serve::CaseReading> CaseOpener::reading_of(const std::string& deployment) const {
  const auto path = file_of(deployment);
  if (!exists(path)) return serve::CaseReading{};
  MILLRACE_TRY(const auto text, read_file(path, kFileBytes));
  const auto json = parse_json(text, path);
  auto reading = json ? serve::CaseReading::of_json(*json) : Result<serve::CaseReading>(json.error());
  if (reading) return reading;
  // From the begin once more: that opens nothing twice.
  parts_.context.log.warn("cases_read_again", {{"file", path}, {"error", reading.error().text()}});
  return serve::CaseReading{};
}

Result<void> CaseOpener::follow(const std::string& deployment) {
  if (!readings_.contains(deployment)) {
    MILLRACE_TRY(readings_[deployment], reading_of(deployment));
  }
  auto& reading = readings_[deployment];
  const auto before = reading.to_json();
  auto read = parts_.data_plane.read_cases(reading, deployment, [&](const serve::LoggedCase& logged) -> Result<void> {
    FAULT_POINT("review.case.before_open");
    MILLRACE_DO(parts_.cases.open(logged, parts_.context.uuid()));
    FAULT_POINT("review.case.after_open");
    return {};
  });
  if (reading.to_json() == before) return read;
  MILLRACE_DO(write_file(file_of(deployment), to_text(reading.to_json())));
  return read;
}

Result<void> CaseOpener::catch_up() {
  std::optional<Error> first;
  for (const auto& deployment : parts_.data_plane.logged())
    if (auto done = follow(deployment); !done && !first) first = std::move(done).error();
  if (first) return *first;
  return {};
}

void CaseOpener::start() {
  thread_ = std::thread([this] { work(); });
}

void CaseOpener::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void CaseOpener::ask() {
  {
    const std::lock_guard lock(mutex_);
    asked_ = true;
  }
  wake_.notify_one();
}

// What fails is said once, and tried again until it works.
void CaseOpener::work() {
  std::string said;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    asked_ = false;
    lock.unlock();
    const auto done = catch_up();
    const std::string failing = done ? "" : done.error().text();
    if (failing != said && !failing.empty()) parts_.context.log.warn("cases_not_opened", {{"error", failing}});
    if (failing != said && failing.empty()) parts_.context.log.info("cases_opened_again");
    said = failing;
    lock.lock();
    if (done)
      wake_.wait_for(lock, kIdle, [&] { return stopping_ || asked_; });
    else
      wake_.wait_for(lock, kBehind, [&] { return stopping_; });
  }
}

}  // namespace millrace::review
