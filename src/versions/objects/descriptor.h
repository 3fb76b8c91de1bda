// An open file that closes itself.
#pragma once
#include <unistd.h>

#include <utility>

namespace millrace::versions {

class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }
  bool close() { return value_ < 0 || ::close(std::exchange(value_, -1)) == 0; }
  explicit operator bool() const { return value_ >= 0; }

 private:
  int value_;
};

}  // namespace millrace::versions
