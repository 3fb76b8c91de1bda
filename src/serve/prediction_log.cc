#include "serve/prediction_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <unordered_set>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/files.h"
#include "core/hash.h"

namespace millrace::serve {
namespace fs = std::filesystem;

struct PredictionLog::Group {
  std::vector<Pending> records;
  bool done = false;
  std::optional<Error> error;
};

struct PredictionLog::Segment {
  std::string path;
  int descriptor = -1;
  uint64_t size = 0;
  Micros began = 0;
  std::unordered_set<uint64_t> described;  // arms that have their record in this file
  ~Segment() {
    if (descriptor >= 0) ::close(descriptor);
  }
};

namespace {

Result<void> write_at(int descriptor, std::string_view bytes, uint64_t at, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return file_error("cannot write the prediction log", path, errno);
    bytes.remove_prefix(static_cast<size_t>(wrote));
    at += static_cast<uint64_t>(wrote);
  }
  return {};
}

uint64_t number_of(const std::string& path) { return std::strtoull(fs::path(path).stem().c_str(), nullptr, 10); }

}  // namespace

std::vector<std::string> list_segments(const std::string& folder, std::string_view suffix) {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == suffix && number_of(at->path().string()) > 0) out.push_back(at->path().string());
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return number_of(a) < number_of(b); });
  return out;
}

ArmKey ArmKey::of(const Arm& arm) {
  auto text = std::make_shared<const std::string>(to_text(arm.to_json()));
  const uint64_t key = of_description(*text);
  return {key, std::move(text)};
}

uint64_t ArmKey::of_description(std::string_view text) {
  return std::stoull(digest_of(text).substr(7, 16), nullptr, 16);
}

PredictionLog::PredictionLog(LogOptions options, Context& context) : options_(std::move(options)), context_(context) {}

Result<std::unique_ptr<PredictionLog>> PredictionLog::open(LogOptions options, Context& context) {
  std::unique_ptr<PredictionLog> log(new PredictionLog(std::move(options), context));
  MILLRACE_DO(make_folders(log->options_.folder));
  MILLRACE_DO(log->recover());
  if (!log->options_.strict) log->flusher_ = std::thread([raw = log.get()] { raw->flush_loop(); });
  return log;
}

PredictionLog::~PredictionLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (flusher_.joinable()) flusher_.join();
  if (segment_) ::fdatasync(segment_->descriptor);
}

// Only the last file can end in the middle of a record: the others were closed in order.
Result<void> PredictionLog::recover() {
  const auto& folder = options_.folder;
  for (const auto& path : list_segments(folder, ".parquet")) next_number_ = std::max(next_number_, number_of(path) + 1);
  const auto segments = list_segments(folder, ".log");
  for (const auto& path : segments) next_number_ = std::max(next_number_, number_of(path) + 1);
  if (segments.empty()) return {};
  const std::string& last = segments.back();
  MILLRACE_TRY(const auto scan, scan_segment(last, [](RecordKind, std::string_view) { return Result<void>{}; }));
  if (scan.end == SegmentScan::End::damaged) {
    state_.damaged.push_back({last, scan.good_bytes});
    context_.log.error(
        "prediction_log_damaged",
        {{"file", last}, {"offset", scan.good_bytes}, {"effect", "the file is left as it is and is not sealed"}});
    return {};
  }
  if (scan.end == SegmentScan::End::torn) {
    state_.torn_bytes = scan.bytes - scan.good_bytes;
    if (::truncate(last.c_str(), static_cast<off_t>(scan.good_bytes)) != 0)
      return file_error("cannot cut the torn tail off", last, errno);
    MILLRACE_DO(flush_file(last));
    context_.log.warn("prediction_log_torn_tail", {{"file", last}, {"bytes", state_.torn_bytes}});
  }
  if (scan.records == 0) {
    if (::unlink(last.c_str()) != 0) return file_error("cannot remove the empty segment", last, errno);
    MILLRACE_DO(flush_folder(folder));
  }
  return {};
}

Result<void> PredictionLog::append(const ArmKey& arm, std::string payload) {
  std::unique_lock lock(mutex_);
  if (!gathering_) gathering_ = std::make_shared<Group>();
  const auto group = gathering_;
  group->records.push_back({arm.key, arm.description, std::move(payload)});
  turn_.wait(lock, [&] { return group->done || !writing_; });
  if (!group->done) {
    // First of its group to find nobody writing: writes for all who joined. Those who come now gather anew.
    writing_ = true;
    gathering_.reset();
    lock.unlock();
    auto outcome = write_group(*group);
    lock.lock();
    if (!outcome)
      group->error = std::move(outcome).error(), ++state_.append_failures;
    else
      state_.records += group->records.size();
    group->done = true;
    writing_ = false;
    if (!group->error && !options_.strict && !dirty_) {
      dirty_ = true;
      wake_.notify_one();
    }
    turn_.notify_all();
  }
  if (group->error) return *group->error;
  return {};
}

Result<void> PredictionLog::begin_segment() {
  auto segment = std::make_shared<Segment>();
  segment->path = fmt::format("{}/{:012}.log", options_.folder, next_number_);
  segment->began = context_.now();
  set_open_segment(segment->path);  // before the file is there: nobody must take it for a closed one
  segment->descriptor = ::open(segment->path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (segment->descriptor < 0) {
    const int number = errno;
    set_open_segment("");
    return file_error("cannot begin a segment of the prediction log", segment->path, number);
  }
  std::string head(kSegmentMagic);
  append_record(head, RecordKind::header, to_text(Json{{"number", next_number_}, {"began", segment->began}}));
  auto begun = write_at(segment->descriptor, head, 0, segment->path);
  if (begun) begun = flush_folder(options_.folder);
  if (!begun) {
    ::unlink(segment->path.c_str());
    set_open_segment("");
    return begun;
  }
  FAULT_POINT("serve.prediction_log.after_begin");
  segment->size = head.size();
  ++next_number_;
  const std::lock_guard lock(mutex_);
  segment_ = std::move(segment);
  return {};
}

void PredictionLog::set_open_segment(const std::string& path) {
  const std::lock_guard lock(mutex_);
  state_.open_segment = path;
  state_.open_bytes = 0;
}

Result<void> PredictionLog::write_group(const Group& group) {
  if (segment_ &&
      (segment_->size >= options_.segment_bytes || context_.now() - segment_->began >= options_.segment_age))
    MILLRACE_DO(end_segment());
  if (!segment_) MILLRACE_DO(begin_segment());
  std::string bytes;
  std::vector<uint64_t> described;
  for (const auto& record : group.records) {
    const bool known = segment_->described.contains(record.key) ||
                       std::find(described.begin(), described.end(), record.key) != described.end();
    if (!known) {
      append_record(bytes, RecordKind::arm, *record.description);
      described.push_back(record.key);
    }
    append_record(bytes, RecordKind::prediction, record.payload);
  }
  if (auto wrote = write_at(segment_->descriptor, bytes, segment_->size, segment_->path); !wrote) {
    // Back to the last whole record; if even that fails, the file keeps a torn end, which readers know.
    if (::ftruncate(segment_->descriptor, static_cast<off_t>(segment_->size)) != 0)
      give_up_segment("cannot be cut back after a failed write");
    return std::move(wrote).error().hint(
        "free some room on the disk; requests are answered again as soon as their record can be written");
  }
  FAULT_POINT("serve.prediction_log.after_write");
  segment_->size += bytes.size();
  segment_->described.insert(described.begin(), described.end());
  {
    const std::lock_guard lock(mutex_);
    state_.bytes += bytes.size();
    state_.open_bytes = segment_->size;
  }
  if (options_.strict && ::fdatasync(segment_->descriptor) != 0) {
    // After a failed flush the kernel may have dropped the pages: nothing later in this file would be safe.
    const int number = errno;
    const std::string path = segment_->path;
    give_up_segment("cannot be flushed");
    return file_error("cannot flush the prediction log", path, number);
  }
  return {};
}

Result<void> PredictionLog::end_segment() {
  FAULT_POINT("serve.prediction_log.before_end");
  if (::fdatasync(segment_->descriptor) != 0) {
    const int number = errno;
    const std::string path = segment_->path;
    give_up_segment("cannot be flushed");
    return file_error("cannot flush the prediction log", path, number);
  }
  const std::lock_guard lock(mutex_);
  state_.open_segment.clear();
  segment_.reset();
  return {};
}

void PredictionLog::give_up_segment(std::string_view why) {
  context_.log.error("prediction_log_segment_given_up", {{"file", segment_->path}, {"why", std::string(why)}});
  const std::lock_guard lock(mutex_);
  ++state_.flush_failures;
  state_.open_segment.clear();
  segment_.reset();
}

Result<void> PredictionLog::close_segment() {
  std::unique_lock lock(mutex_);
  turn_.wait(lock, [&] { return !writing_; });
  if (!segment_) return {};
  writing_ = true;
  lock.unlock();
  auto ended = end_segment();
  lock.lock();
  writing_ = false;
  turn_.notify_all();
  return ended;
}

std::vector<std::string> PredictionLog::closed_segments() const {
  // Listed before asking which one is open: one that begins in between is then not in the list.
  auto out = list_segments(options_.folder, ".log");
  const auto open = state().open_segment;
  std::erase(out, open);
  return out;
}

LogState PredictionLog::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

// The one place where real time passes instead of the injected clock's: a replay must not delay flushing.
void PredictionLog::flush_loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return dirty_ || stopping_; });
    if (stopping_) return;  // the destructor flushes
    wake_.wait_for(lock, std::chrono::microseconds(options_.flush_every), [&] { return stopping_; });
    flush_open(lock);
  }
}

void PredictionLog::flush_open(std::unique_lock<std::mutex>& lock) {
  dirty_ = false;
  const auto segment = segment_;
  if (!segment) return;
  lock.unlock();
  const bool flushed = ::fdatasync(segment->descriptor) == 0;  // beside writers: they do not wait for it
  lock.lock();
  if (flushed) return;
  turn_.wait(lock, [&] { return !writing_; });
  if (segment_ != segment) return;
  writing_ = true;
  lock.unlock();
  give_up_segment("cannot be flushed");
  lock.lock();
  writing_ = false;
  turn_.notify_all();
}

Result<std::vector<StoredPrediction>> find_in_segments(const std::vector<std::string>& segments, std::string_view id) {
  std::vector<StoredPrediction> out;
  for (const auto& path : segments) {
    std::map<uint64_t, std::string> arms;
    auto scan = scan_segment(path, [&](RecordKind kind, std::string_view payload) -> Result<void> {
      if (kind == RecordKind::arm) arms.emplace(ArmKey::of_description(payload), payload);
      if (kind != RecordKind::prediction || payload.find(id) == std::string_view::npos) return {};
      MILLRACE_TRY(auto decoded, decode(payload));
      if (decoded.prediction.id != id) return {};
      const auto arm = arms.find(decoded.arm_key);
      if (arm == arms.end())
        return Error{Code::corrupt, "a prediction names an arm that its segment does not describe"};
      MILLRACE_TRY(const auto json, parse_json(arm->second, path));
      MILLRACE_TRY(auto described, Arm::of_json(json));
      out.push_back({std::move(described), std::move(decoded.prediction)});
      return {};
    });
    if (!scan && scan.error().code() != Code::not_found) return std::move(scan).error();
  }
  return out;
}

}  // namespace millrace::serve
