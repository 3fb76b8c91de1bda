// The newest windows of a deployment, for those who look at it now.
#pragma once
#include <vector>

#include "monitor/window/window_rows.h"

namespace millrace::monitor {

// The newest revision of every window of the newest `periods` (by their beginning), oldest first; of one arm when it is
// named.
Result<std::vector<Window>> newest_windows(store::Session& session, const std::string& workspace,
                                           const std::string& deployment, const std::string& arm, int64_t periods);

// What changes whenever a window is recorded: two equal marks, and nothing is new.
struct WindowMark {
  int64_t count = 0, newest = 0;
  friend bool operator==(const WindowMark&, const WindowMark&) = default;
};
Result<WindowMark> window_mark(store::Session& session, const std::string& workspace, const std::string& deployment);

}  // namespace millrace::monitor
