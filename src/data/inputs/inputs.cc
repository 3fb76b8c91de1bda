#include "data/inputs/inputs.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "core/files.h"

namespace millrace::data {

const InputPlace* Inputs::find(const std::string& path) const {
  const auto found = places_.find(path);
  return found == places_.end() ? nullptr : &found->second;
}

std::string Inputs::label(const std::string& path) const {
  const auto* place = find(path);
  return place == nullptr || place->label.empty() ? path : place->label;
}

bool Inputs::is_label(const std::string& text) const {
  return std::any_of(places_.begin(), places_.end(), [&](const auto& place) { return place.second.label == text; }) ||
         std::any_of(states_.begin(), states_.end(), [&](const auto& state) { return state.second.label == text; });
}

Result<std::string> Inputs::copy_path(const std::string& label, const std::string& ending) {
  if (folder_.empty())
    return Error{Code::unsupported,
                 fmt::format("'{}' needs a copy that SQL can read, and there is no folder for it", label)}
        .at({.file = label})
        .hint("write it as Parquet, or as CSV in UTF-8");
  return fmt::format("{}/{}{}", folder_, copies_++, ending);
}

Result<Inputs::State> Inputs::state_of(const std::string& path, const std::string& label) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return file_error("reading", label, errno);
  const auto nanoseconds = [](const timespec& time) { return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; };
  return State{.label = label,
               .size = status.st_size,
               .modified = nanoseconds(status.st_mtim),
               .changed = nanoseconds(status.st_ctim),
               .inode = status.st_ino};
}

Result<void> Inputs::watch(const std::string& path, const std::string& label) {
  MILLRACE_TRY(auto state, state_of(path, label));
  states_.emplace(path, std::move(state));
  return {};
}

Result<void> Inputs::unchanged() const {
  for (const auto& [path, before] : states_) {
    const auto now = state_of(path, before.label);
    if (now && *now == before) continue;
    return Error{Code::conflict, fmt::format("'{}' changed while it was read: nothing is said about it", before.label)}
        .at({.file = before.label})
        .hint("check it again when it is complete; writers that rename a finished file into place avoid this");
  }
  return {};
}

}  // namespace millrace::data
