#include "versions/work/scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include <fmt/format.h>

#include "core/files.h"
#include "versions/objects/descriptor.h"

namespace millrace::versions {
namespace {

constexpr size_t kDepth = 128;           // folders within folders
constexpr size_t kEntries = 50'000'000;  // of one tracked path

Error no_content(const std::string& path) {
  return Error{Code::invalid, "neither a file nor a folder; content by digest cannot stand for it"}
      .at({.file = path})
      .hint("take links, pipes and devices out of what is tracked; of a link, add what it leads to");
}

class Scanner {
 public:
  Scanner(const ScanTarget& target, const Scan* before) : target_(target), before_(before) {}

  Result<Scan> run() {
    out_.folders.push_back({});
    twins_.push_back(before_ != nullptr && !before_->folders.empty() ? 0 : kNone);
    depths_.push_back(0);
    for (size_t i = 0; i < out_.folders.size(); ++i) MILLRACE_DO(read_folder(i));
    return std::move(out_);
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  Result<void> read_folder(size_t number) {
    const auto below = out_.path(number);
    const auto path = below.empty() ? target_.path : target_.path + "/" + below;
    out_.folders[number].first = out_.entries.size();
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(path.c_str()), &::closedir);
    if (!stream && errno == ENOENT && number == 0) return {};
    if (!stream) return file_error("cannot list", path, errno);
    const int folder = ::dirfd(stream.get());
    if (number == 0 && !target_.only.empty()) {
      struct stat info {};
      if (::fstatat(folder, target_.only.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
        MILLRACE_DO(add(folder, target_.only, path, number));
    } else {
      names_.clear();
      while (const dirent* each = ::readdir(stream.get())) {
        const std::string_view name = each->d_name;
        if (name == "." || name == "..") continue;
        if (name.starts_with(kBeside))
          out_.leftovers.push_back(path + "/" + std::string(name));
        else
          names_.emplace_back(name);
      }
      std::sort(names_.begin(), names_.end());
      if (out_.entries.size() + names_.size() > kEntries)
        return Error{Code::too_large, fmt::format("more than {} files and folders", kEntries)}.at({.file = path});
      next_ = twins_[number] == kNone ? 0 : before_->folders[twins_[number]].first;
      for (const auto& name : names_) MILLRACE_DO(add(folder, name, path, number));
    }
    auto& done = out_.folders[number];
    done.count = out_.entries.size() - done.first;
    return {};
  }

  Result<void> add(int folder, const std::string& name, const std::string& path, size_t number) {
    const int64_t now = file_clock_ns();
    struct stat info {};
    if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return {};  // gone since it was listed
      return file_error("cannot stat", path + "/" + name, errno);
    }
    const bool is_folder = S_ISDIR(info.st_mode) && target_.only.empty();
    if (!is_folder && !S_ISREG(info.st_mode)) return no_content(path + "/" + name);
    ScanEntry entry{.name_at = out_.add_name(name), .name_size = static_cast<uint32_t>(name.size())};
    const auto* twin = twin_of(number, name);
    if (is_folder) {
      if (depths_[number] >= kDepth)
        return Error{Code::too_large, fmt::format("more than {} folders within one another", kDepth)}.at(
            {.file = path + "/" + name});
      entry.kind = Kind::tree;
      entry.folder = out_.folders.size();
      out_.folders.push_back({.parent = number, .entry = out_.entries.size()});
      twins_.push_back(twin != nullptr && twin->kind == Kind::tree ? twin->folder : kNone);
      depths_.push_back(depths_[number] + 1);
    } else {
      entry.kind = (info.st_mode & S_IXUSR) != 0 ? Kind::exec : Kind::file;
      entry.stamp = stamp_of(info);
      entry.fresh = is_fresh(entry.stamp, now) ? 1 : 0;
      if (twin != nullptr && twin->known != 0 && twin->fresh == 0 && twin->stamp == entry.stamp &&
          is_file(twin->kind)) {
        entry.digest = twin->digest;
        entry.known = 1;
        entry.fresh = 0;
      }
    }
    out_.entries.push_back(entry);
    return {};
  }

  // Both sides are sorted: `next_` only goes forward.
  const ScanEntry* twin_of(size_t number, const std::string& name) {
    if (twins_[number] == kNone) return nullptr;
    const auto& folder = before_->folders[twins_[number]];
    const auto end = folder.first + folder.count;
    next_ = std::max(next_, folder.first);
    while (next_ < end && before_->name(before_->entries[next_]) < name) ++next_;
    if (next_ == end || before_->name(before_->entries[next_]) != name) return nullptr;
    return &before_->entries[next_];
  }

  const ScanTarget& target_;
  const Scan* before_;
  Scan out_;
  std::vector<size_t> twins_;  // of each folder, the same one in `before_`
  std::vector<size_t> depths_;
  std::vector<std::string> names_;
  size_t next_ = 0;
};

// Whether a folder is what it was, to the last entry.
bool same_folder(const Scan& a, const ScanFolder& left, const Scan& b, const ScanFolder& right) {
  if (left.count != right.count || right.digest.empty()) return false;
  for (size_t i = 0; i < left.count; ++i) {
    const auto& one = a.entries[left.first + i];
    const auto& other = b.entries[right.first + i];
    if (one.kind != other.kind || one.digest != other.digest || a.name(one) != b.name(other)) return false;
  }
  return true;
}

Entry entry_of(const Scan& scan, const ScanEntry& entry) {
  Entry out{.kind = entry.kind,
            .digest = entry.digest,
            .size = entry.stamp.size,
            .files = 1,
            .name = std::string(scan.name(entry))};
  if (entry.kind == Kind::tree) {
    out.size = scan.folders[entry.folder].size;
    out.files = scan.folders[entry.folder].files;
  }
  return out;
}

// For each folder of `scan`, the one of the same path in `before`; SIZE_MAX where there is none.
std::vector<size_t> twins_of(const Scan& scan, const Scan* before) {
  std::vector<size_t> out(scan.folders.size(), SIZE_MAX);
  if (before == nullptr || before->folders.empty()) return out;
  out[0] = 0;
  for (size_t i = 0; i < scan.folders.size(); ++i) {
    if (out[i] == SIZE_MAX) continue;
    const auto& here = scan.folders[i];
    const auto& there = before->folders[out[i]];
    size_t next = there.first;
    for (size_t at = here.first; at < here.first + here.count; ++at) {
      const auto& entry = scan.entries[at];
      if (entry.kind != Kind::tree) continue;
      while (next < there.first + there.count && before->name(before->entries[next]) < scan.name(entry)) ++next;
      if (next == there.first + there.count) break;
      const auto& found = before->entries[next];
      if (found.kind == Kind::tree && before->name(found) == scan.name(entry)) out[entry.folder] = found.folder;
    }
  }
  return out;
}

}  // namespace

size_t Scan::add_name(std::string_view name) {
  const size_t at = names.size();
  names += name;
  return at;
}

std::string Scan::path(size_t folder) const {
  std::string out;
  for (size_t at = folder; at != 0; at = folders[at].parent) {
    const auto part = name(entries[folders[at].entry]);
    out = out.empty() ? std::string(part) : std::string(part) + "/" + out;
  }
  return out;
}

std::string Scan::path(size_t folder, const ScanEntry& entry) const {
  const auto above = path(folder);
  return above.empty() ? std::string(name(entry)) : above + "/" + std::string(name(entry));
}

size_t Scan::folder_of(size_t entry) const {
  // Folders follow one another in `entries` in their own order.
  const auto after = std::upper_bound(folders.begin(), folders.end(), entry,
                                      [](size_t at, const ScanFolder& folder) { return at < folder.first; });
  return static_cast<size_t>(after - folders.begin()) - 1;
}

ScanTarget target_of(const std::string& path, bool is_file) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) is_file = !S_ISDIR(info.st_mode);
  if (!is_file) return {.path = path, .only = ""};
  const auto slash = path.rfind('/');
  return {.path = slash == 0 ? "/" : path.substr(0, slash), .only = path.substr(slash + 1)};
}

Result<Scan> scan(const ScanTarget& target, const Scan* before) { return Scanner(target, before).run(); }

std::vector<size_t> unknown_files(const Scan& scan) {
  std::vector<size_t> out;
  for (size_t i = 0; i < scan.entries.size(); ++i)
    if (is_file(scan.entries[i].kind) && scan.entries[i].known == 0) out.push_back(i);
  return out;
}

Result<Entry> fold(Scan& scan, const ScanTarget& target, const Scan* before, const Manifests& manifests) {
  const auto twins = twins_of(scan, before);
  for (size_t i = scan.folders.size(); i-- > 0;) {
    auto& folder = scan.folders[i];
    if (!target.only.empty()) break;
    const auto* twin = twins[i] == SIZE_MAX ? nullptr : &before->folders[twins[i]];
    if (twin != nullptr && same_folder(scan, folder, *before, *twin) && manifests.kept(twin->digest)) {
      folder.digest = twin->digest;
      folder.size = twin->size;
      folder.files = twin->files;
    } else {
      std::vector<Entry> entries;
      entries.reserve(folder.count);
      for (size_t at = folder.first; at < folder.first + folder.count; ++at)
        entries.push_back(entry_of(scan, scan.entries[at]));
      MILLRACE_TRY(const auto written, write_folder(entries, manifests.keep));
      folder.digest = written.digest;
      folder.size = written.size;
      folder.files = written.files;
    }
    if (i != 0) scan.entries[folder.entry].digest = folder.digest;
  }
  if (target.only.empty()) {
    const auto& top = scan.folders.front();
    return Entry{.kind = Kind::tree, .digest = top.digest, .size = top.size, .files = top.files, .name = ""};
  }
  if (scan.entries.empty()) return Error{Code::not_found, "there is nothing to add"}.at({.file = target.place()});
  auto only = entry_of(scan, scan.entries.front());
  only.name.clear();
  return only;
}

}  // namespace millrace::versions
