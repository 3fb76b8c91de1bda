#include "api/front/event_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

namespace millrace::api::front {
namespace {

constexpr auto kBeat = std::chrono::seconds(1);
constexpr auto kSoon = std::chrono::milliseconds(50);

Error system_error(std::string_view what) {
  return Error{Code::unavailable, std::string(what) + ": " + std::strerror(errno)};
}

}  // namespace

size_t default_threads() { return std::clamp<size_t>(std::thread::hardware_concurrency(), 2, 16); }

EventLoop::~EventLoop() {
  posted_.clear();  // they may hold what closes descriptors
  if (wake_ >= 0) ::close(wake_);
  if (epoll_ >= 0) ::close(epoll_);
}

Result<void> EventLoop::open() {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (epoll_ < 0 || wake_ < 0) return system_error("the server cannot wait for connections");
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0)
    return system_error("the server cannot wait for connections");
  next_beat_ = Clock::now() + kBeat;
  return {};
}

Result<void> EventLoop::watch(int descriptor, uint32_t events, Watcher& watcher) {
  epoll_event event{.events = events, .data = {.ptr = &watcher}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0)
    return system_error("a connection cannot be watched");
  return {};
}

void EventLoop::unwatch(int descriptor) { ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr); }

void EventLoop::beat_soon() { next_beat_ = std::min(next_beat_, Clock::now() + kSoon); }

void EventLoop::post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
    if (posted_.size() > 1) return;  // whoever came first has woken the loop
  }
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the loop is awake.
  [[maybe_unused]] const auto wrote = ::write(wake_, &one, sizeof one);
}

void EventLoop::stop() {
  stopping_ = true;
  post([] {});
}

void EventLoop::run_posted() {
  uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(wake_, &count, sizeof count);
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (auto& task : tasks) {
    task();
    task = nullptr;
  }
}

int EventLoop::wait_ms() const {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next_beat_ - Clock::now()).count();
  return static_cast<int>(std::max<int64_t>(0, left + 1));
}

void EventLoop::run() {
  std::array<epoll_event, 128> events;
  while (!stopping_) {
    const int count = ::epoll_wait(epoll_, events.data(), events.size(), wait_ms());
    bool woken = false;
    for (int i = 0; i < count; ++i) {
      waiting_ = static_cast<size_t>(count - i - 1);
      if (events[i].data.ptr == nullptr)
        woken = true;
      else
        static_cast<Watcher*>(events[i].data.ptr)->on_events(events[i].events);
    }
    if (after_events_) after_events_();
    if (woken) run_posted();
    if (const auto now = Clock::now(); now >= next_beat_) {
      next_beat_ = now + kBeat;
      if (beat_) beat_();
    }
  }
}

}  // namespace millrace::api::front
