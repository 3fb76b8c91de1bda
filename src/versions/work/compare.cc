#include "versions/work/compare.h"

#include "core/limits.h"

namespace millrace::versions {
namespace {

constexpr int kDepth = 130;

std::string joined(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

struct Comparison {
  const Fetch& fetch;
  const Differs& differs;

  Result<std::vector<Entry>> entries_of(const Entry* entry) const {
    if (entry == nullptr || entry->kind != Kind::tree) return std::vector<Entry>{};
    return read_folder(entry->digest, fetch);
  }

  Result<void> pair(const Entry* before, const Entry* after, const std::string& path, int depth) const {
    if (before != nullptr && after != nullptr && before->same_content(*after)) return {};
    if (depth > kDepth) return Error{Code::corrupt, "a tree is deeper than any that was written"}.at({.file = path});
    const bool left = before != nullptr && is_file(before->kind), right = after != nullptr && is_file(after->kind);
    if (left || right) {
      Difference out{.kind = !left    ? Difference::Kind::added
                             : !right ? Difference::Kind::removed
                                      : Difference::Kind::modified,
                     .path = path,
                     .before = {},
                     .after = {}};
      if (left) out.before = *before;
      if (right) out.after = *after;
      MILLRACE_DO(differs(out));
    }
    MILLRACE_TRY(const auto old_entries, entries_of(before));
    MILLRACE_TRY(const auto new_entries, entries_of(after));
    auto one = old_entries.begin();
    auto other = new_entries.begin();
    while (one != old_entries.end() || other != new_entries.end()) {
      const bool only_one = other == new_entries.end() || (one != old_entries.end() && one->name < other->name);
      const bool only_other = one == old_entries.end() || (other != new_entries.end() && other->name < one->name);
      MILLRACE_DO(pair(only_other ? nullptr : &*one, only_one ? nullptr : &*other,
                       joined(path, only_other ? other->name : one->name), depth + 1));
      if (!only_other) ++one;
      if (!only_one) ++other;
    }
    return {};
  }
};

}  // namespace

std::string_view name_of(Difference::Kind kind) {
  switch (kind) {
    case Difference::Kind::added: return "added";
    case Difference::Kind::removed: return "removed";
    case Difference::Kind::modified: return "modified";
  }
  return "";
}

Result<void> compare(const Entry* before, const Entry* after, const Fetch& fetch, const Differs& differs) {
  return Comparison{fetch, differs}.pair(before, after, "", 0);
}

Result<void> each_file(const Entry& top, const Fetch& fetch,
                       const std::function<Result<void>(const std::string& path, const Entry&)>& take) {
  return compare(nullptr, &top, fetch, [&](const Difference& found) { return take(found.path, found.after); });
}

}  // namespace millrace::versions
