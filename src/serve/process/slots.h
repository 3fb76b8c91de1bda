// Memory that the server and a model's process share: slots, each with a word that both wait on (futex) and room for
// one request and then its answer. One thread a slot works in the process, so a request costs two wake-ups and no lock.
// Idle memory is not kept: what a large request touched goes back after it.
#pragma once
#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "core/clock.h"
#include "core/result.h"
#include "serve/process/trial/child.h"

namespace millrace::serve::process {

// What the word of a slot says. The process may write anything.
enum class Word : uint32_t { idle = 0, asked = 1, answered = 2, gone = 3 };

using Deadline = std::chrono::steady_clock::time_point;

// A mapping of the memory, of either side. Thread-safe for different slots.
class SlotMemory {
 public:
  // slot_bytes: a multiple of the page size.
  static Result<SlotMemory> map(int memory, size_t slots, size_t slot_bytes);
  SlotMemory(SlotMemory&& other) noexcept;
  SlotMemory& operator=(SlotMemory&&) = delete;
  ~SlotMemory();

  size_t count() const { return slots_; }
  std::span<std::byte> room(size_t slot) const;
  std::atomic<uint32_t>& word(size_t slot) const;

  void tell(size_t slot, Word word) const;  // sets the word and wakes whoever waits on it
  // Until the word is no longer `than`; false at the deadline (none = for ever).
  bool wait_other(size_t slot, Word than, std::optional<Deadline> deadline) const;
  void give_back(size_t slot, size_t used) const;  // the pages of a large request

 private:
  SlotMemory(std::byte* at, int memory, size_t slots, size_t slot_bytes)
      : at_(at), memory_(memory), slots_(slots), slot_bytes_(slot_bytes) {}
  std::byte* at_ = nullptr;
  int memory_ = -1;  // not owned
  size_t slots_ = 0, slot_bytes_ = 0;
};

// Who uses which slot, on the server's side. Thread-safe.
class FreeSlots {
 public:
  explicit FreeSlots(size_t count);
  std::optional<size_t> take(
      Deadline deadline);  // the one used last, whose memory is warm; nothing when closed or late
  void give(size_t slot);
  void close();  // nobody waits any more

 private:
  std::mutex mutex_;  // guards the fields below
  std::condition_variable freed_;
  std::vector<size_t> free_;
  size_t waiting_ = 0;
  bool closed_ = false;
};

}  // namespace millrace::serve::process
