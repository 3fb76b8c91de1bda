// What the file system says of a file without reading it. Two equal stamps mean the same bytes, unless the file was
// changed within the same tick of the file system's clock in which the stamp was taken: such a stamp is fresh, and what
// carries it is read again the next time.
#pragma once
#include <sys/stat.h>
#include <time.h>

#include <cstdint>

namespace millrace::versions {

struct Stamp {
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;  // no user can set it
  int64_t size = 0;
  uint64_t inode = 0;
  bool operator==(const Stamp&) const = default;
};

inline Stamp stamp_of(const struct stat& info) {
  return {.modified_ns = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec,
          .changed_ns = info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec,
          .size = info.st_size,
          .inode = info.st_ino};
}

// The clock that the kernel stamps files with.
inline int64_t file_clock_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

// `now` is file_clock_ns() of before the stamp was taken. A file system whose stamps are whole seconds ticks slower.
inline bool is_fresh(const Stamp& stamp, int64_t now) {
  const int64_t tick = stamp.changed_ns % 1'000'000'000 == 0 ? 2'000'000'000 : 10'000'000;
  return stamp.changed_ns + tick > now;
}

}  // namespace millrace::versions
