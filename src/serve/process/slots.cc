#include "serve/process/slots.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "core/limits/model_limits.h"

namespace millrace::serve::process {
namespace {

constexpr size_t kHead = 4'096;  // a page before the room: the word

static_assert(std::atomic<uint32_t>::is_always_lock_free && sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));

uint32_t* address_of(std::atomic<uint32_t>& word) { return reinterpret_cast<uint32_t*>(&word); }

timespec to_timespec(Deadline deadline) {  // steady_clock is CLOCK_MONOTONIC, which FUTEX_WAIT_BITSET goes by
  const auto since = deadline.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds);
  return {.tv_sec = seconds.count(), .tv_nsec = rest.count()};
}

}  // namespace

Result<SlotMemory> SlotMemory::map(int memory, size_t slots, size_t slot_bytes) {
  void* at = ::mmap(nullptr, slots * slot_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memory, 0);
  if (at == MAP_FAILED)
    return Error{Code::unavailable, fmt::format("shared memory cannot be mapped: {}", std::strerror(errno))};
  return SlotMemory(static_cast<std::byte*>(at), memory, slots, slot_bytes);
}

SlotMemory::SlotMemory(SlotMemory&& other) noexcept
    : at_(std::exchange(other.at_, nullptr)),
      memory_(other.memory_),
      slots_(other.slots_),
      slot_bytes_(other.slot_bytes_) {}

SlotMemory::~SlotMemory() {
  if (at_ != nullptr) ::munmap(at_, slots_ * slot_bytes_);
}

std::span<std::byte> SlotMemory::room(size_t slot) const {
  return {at_ + slot * slot_bytes_ + kHead, slot_bytes_ - kHead};
}

std::atomic<uint32_t>& SlotMemory::word(size_t slot) const {
  return *reinterpret_cast<std::atomic<uint32_t>*>(at_ + slot * slot_bytes_);
}

void SlotMemory::tell(size_t slot, Word value) const {
  auto& it = word(slot);
  // An exchange: whoever tells after another also sees what that one did before.
  it.exchange(static_cast<uint32_t>(value), std::memory_order_acq_rel);
  ::syscall(SYS_futex, address_of(it), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

bool SlotMemory::wait_other(size_t slot, Word than, std::optional<Deadline> deadline) const {
  auto& it = word(slot);
  const auto value = static_cast<uint32_t>(than);
  timespec until{};
  if (deadline) until = to_timespec(*deadline);
  while (it.load(std::memory_order_acquire) == value) {
    const auto done = ::syscall(SYS_futex, address_of(it), FUTEX_WAIT_BITSET, value, deadline ? &until : nullptr,
                                nullptr, FUTEX_BITSET_MATCH_ANY);
    if (done < 0 && errno == ETIMEDOUT) return it.load(std::memory_order_acquire) != value;
  }
  return true;
}

void SlotMemory::give_back(size_t slot, size_t used) const {
  if (used <= limits::model_slot_kept) return;
  const auto start = static_cast<off_t>(slot * slot_bytes_ + kHead + limits::model_slot_kept);
  const auto end = static_cast<off_t>((slot + 1) * slot_bytes_);
  ::fallocate(memory_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, start, end - start);
}

FreeSlots::FreeSlots(size_t count) {
  for (size_t slot = count; slot > 0; --slot) free_.push_back(slot - 1);
}

std::optional<size_t> FreeSlots::take(Deadline deadline) {
  std::unique_lock lock(mutex_);
  ++waiting_;
  const bool found = freed_.wait_until(lock, deadline, [&] { return closed_ || !free_.empty(); });
  --waiting_;
  if (!found || closed_) return std::nullopt;
  const size_t slot = free_.back();
  free_.pop_back();
  return slot;
}

void FreeSlots::give(size_t slot) {
  const std::lock_guard lock(mutex_);
  free_.push_back(slot);
  if (waiting_ > 0) freed_.notify_one();
}

void FreeSlots::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  freed_.notify_all();
}

}  // namespace millrace::serve::process
