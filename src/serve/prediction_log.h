// The prediction log of one deployment: an append-only, checksummed journal in FOLDER/<number>.log, sealed to
// <number>.parquet. The data plane writes nothing else. What append() has answered is not lost when the process is
// killed; with `strict` also not when the machine is. A record that cannot be written (full disk) is an `unavailable`
// error, the request is then not answered, nothing half-written stays, and the next append tries again by itself.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/context.h"
#include "core/limits.h"
#include "core/result.h"
#include "serve/prediction.h"
#include "serve/segment.h"

namespace millrace::serve {

struct LogOptions {
  std::string folder;
  bool strict = false;          // append() waits for the disk, in groups
  Micros flush_every = 50'000;  // otherwise, at most this much later
  size_t segment_bytes = limits::prediction_segment_bytes;
  Micros segment_age = 3'600'000'000;
};

// An arm as records name it.
struct ArmKey {
  uint64_t key = 0;
  std::shared_ptr<const std::string> description;
  static ArmKey of(const Arm& arm);
  static uint64_t of_description(std::string_view text);  // of the JSON text in an arm record
};

struct LogState {
  uint64_t records = 0, bytes = 0;  // written since open()
  uint64_t torn_bytes = 0;          // cut off at open()
  uint64_t append_failures = 0, flush_failures = 0;
  std::vector<Damage> damaged;  // segments found changed at open(); left as they are
  std::string open_segment;     // path, "" before the first record
  uint64_t open_bytes = 0;      // of it, that have been answered for
};

// Thread-safe.
class PredictionLog {
 public:
  // Makes the folder, cuts a torn tail off the last segment and begins a new one with the first record.
  static Result<std::unique_ptr<PredictionLog>> open(LogOptions options, Context& context);
  ~PredictionLog();  // flushes

  // payload comes from encode() with the arm's key. Callers at the same time are written as one group.
  Result<void> append(const ArmKey& arm, std::string payload);
  // Ends the open segment, durably, so that it can be sealed. Nothing happens when none is open.
  Result<void> close_segment();
  std::vector<std::string> closed_segments() const;  // paths, oldest first
  LogState state() const;
  const LogOptions& options() const { return options_; }

 private:
  struct Pending {
    uint64_t key;
    std::shared_ptr<const std::string> description;
    std::string payload;
  };
  struct Group;
  struct Segment;

  PredictionLog(LogOptions options, Context& context);
  Result<void> recover();
  Result<void> write_group(const Group& group);
  Result<void> begin_segment();
  void set_open_segment(const std::string& path);
  Result<void> end_segment();
  void give_up_segment(std::string_view why);
  void flush_loop();
  void flush_open(std::unique_lock<std::mutex>& lock);

  const LogOptions options_;
  Context& context_;

  mutable std::mutex mutex_;  // guards the fields below
  std::condition_variable turn_, wake_;
  std::shared_ptr<Group> gathering_;  // who comes while another group is being written
  bool writing_ = false;              // one thread at a time may write and change segment_
  bool dirty_ = false, stopping_ = false;
  LogState state_;
  std::shared_ptr<Segment> segment_;  // its pointer under mutex_, its inside belongs to whoever has set writing_
  uint64_t next_number_ = 1;
  std::thread flusher_;
};

struct StoredPrediction {
  Arm arm;
  Prediction prediction;
};
// Every record of one prediction in these segments, in order: the arm that answered, and shadows. A segment that is
// gone was sealed meanwhile.
Result<std::vector<StoredPrediction>> find_in_segments(const std::vector<std::string>& segments, std::string_view id);
std::vector<std::string> list_segments(const std::string& folder, std::string_view suffix);  // paths, oldest first

}  // namespace millrace::serve
