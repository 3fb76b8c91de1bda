// A child process of ours: this program again, with a hidden word, and a socket to speak through.
#pragma once
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/result.h"

namespace millrace::serve::process {

inline constexpr std::string_view kChildWord = "model-process";      // the first word of the command line
inline constexpr int kSocket = 3, kModelBytes = 4, kSlotMemory = 5;  // descriptors of the child

// Owns a descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

// Memory without a name, for a child to map. Sealed: nobody changes its size. `read_only`: nor its bytes.
Result<Descriptor> make_memory(std::string_view name, size_t size);
Result<Descriptor> make_read_only_memory(std::string_view name, std::string_view bytes);

// How a process ended.
struct Ending {
  bool by_signal = false;
  int number = 0;  // the signal, or the exit status

  std::string text() const;  // "signal 11 (Segmentation fault)", "exit status 3"
};

// Not thread-safe, but for end(), which others may call while one waits. Ends and waits for the process when it goes.
class Child {
 public:
  // Runs `program` with kChildWord; `given` become its descriptors from kModelBytes on. Nothing else is passed on but
  // what the loader of libraries and sanitizers read of the environment. Standard streams lead nowhere. Only calls that
  // are safe in a process of many threads. `unavailable` when there is no process to be had.
  static Result<Child> spawn(const std::string& program, std::span<const int> given);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  int pid() const { return pid_; }
  // A frame to the child or from it, at most `limit` bytes. `unavailable` when the child has closed the socket,
  // `timeout` after `patience`, `too_large` over the limit.
  Result<void> send(std::string_view text) const;
  Result<std::string> receive(size_t limit, Micros patience) const;
  void end() const;  // SIGKILL; nothing when it has ended
  Ending wait();     // until it has ended

 private:
  Child(int pid, Descriptor socket) : pid_(pid), socket_(std::move(socket)) {}
  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();  // guards pid_
  int pid_ = -1;                                                        // -1: it has ended
  Descriptor socket_;
};

// The child's side of the socket, blocking. `unavailable` at its end.
Result<void> send_frame(int socket, std::string_view text);
Result<std::string> receive_frame(int socket, size_t limit);

}  // namespace millrace::serve::process
