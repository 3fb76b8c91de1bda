#include "versions/work/checkout.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/files.h"
#include "versions/parallel.h"
#include "versions/work/contents.h"

namespace millrace::versions {
namespace {

constexpr size_t kManifestBytes = 64 << 20;
constexpr size_t kShown = 5;  // paths in one message
constexpr size_t kMostStep = 1'024;

class Checkout {
 public:
  Checkout(const Objects& objects, std::string path, const Entry& want, const CheckoutOptions& options)
      : objects_(objects), path_(std::move(path)), want_(want), options_(options) {}

  Result<CheckedOut> run(const Index* before) {
    target_ = target_of(path_, is_file(want_.kind));
    MILLRACE_TRY(here_, scan(target_, before == nullptr ? nullptr : &before->scan));
    // A folder lies where a file is wanted, or the other way round: then nothing of it is kept.
    wanted_target_ =
        is_file(want_.kind) ? ScanTarget{parent_of(path_), path_.substr(path_.rfind('/') + 1)} : ScanTarget{path_, ""};
    MILLRACE_DO(hash_files(here_, target_, unknown_files(here_)));
    MILLRACE_DO(plan());
    if (!options_.force) MILLRACE_DO(check_losses());
    for (const auto& leftover : here_.leftovers) MILLRACE_DO(remove_tree(leftover));
    MILLRACE_DO(is_fresh_place() ? build_anew() : change_in_place());
    MILLRACE_DO(take_stamps());
    return std::move(out_);
  }

 private:
  Scan& result() { return out_.index.scan; }
  bool same_shape() const { return target_.only.empty() == wanted_target_.only.empty(); }
  bool is_fresh_place() const {
    struct stat info {};
    return want_.kind == Kind::tree && ::lstat(path_.c_str(), &info) != 0;
  }

  Result<std::vector<Entry>> folder_of(const Digest& digest) const {
    return read_folder(digest, [&](const Digest& each) { return objects_.read(each, kManifestBytes); });
  }

  // What shall be there goes to result(), what must be written and removed for it to writes_ and removals_.
  Result<void> plan() {
    out_.index.top = want_;
    out_.index.top.name.clear();
    result().folders.push_back(
        {.digest = want_.kind == Kind::tree ? want_.digest : Digest{}, .size = want_.size, .files = want_.files});
    twins_ = {same_shape() ? 0 : SIZE_MAX};
    if (!same_shape()) remove_all_here();
    if (is_file(want_.kind)) {
      auto only = want_;
      only.name = wanted_target_.only;
      return plan_entries(0, {only});
    }
    for (size_t i = 0; i < result().folders.size(); ++i) {
      MILLRACE_TRY(const auto entries, folder_of(result().folders[i].digest));
      MILLRACE_DO(plan_entries(i, entries));
    }
    return {};
  }

  void remove_all_here() {
    for (size_t i = 0; i < here_.entries.size(); ++i) remove_here(i);
    if (target_.only.empty()) removals_.push_back(path_);
  }

  void remove_here(size_t at) {
    const auto& entry = here_.entries[at];
    removals_.push_back(target_.path + "/" + here_.path(here_.folder_of(at), entry));
    if (entry.kind == Kind::tree) {
      const auto& folder = here_.folders[entry.folder];
      for (size_t i = folder.first; i < folder.first + folder.count; ++i) lose(i);
    } else {
      lose(at);
    }
  }

  // Bytes that go away with the file.
  void lose(size_t at) {
    const auto& entry = here_.entries[at];
    if (entry.kind == Kind::tree) {
      const auto& folder = here_.folders[entry.folder];
      for (size_t i = folder.first; i < folder.first + folder.count; ++i) lose(i);
      return;
    }
    ++out_.removed;
    if (!objects_.has(entry.digest)) losses_.push_back(here_.path(here_.folder_of(at), entry));
  }

  Result<void> plan_entries(size_t number, const std::vector<Entry>& entries) {
    const bool has_twin = twins_[number] != SIZE_MAX;
    const ScanFolder none{};
    const auto& there = has_twin ? here_.folders[twins_[number]] : none;
    size_t next = there.first;
    const size_t end = there.first + there.count;
    result().folders[number].first = result().entries.size();
    result().folders[number].count = entries.size();
    for (const auto& entry : entries) {
      if (entry.kind == Kind::part || entry.name.starts_with(kBeside))
        return Error{Code::corrupt, fmt::format("the tree {} holds what no tree may hold", want_.digest.text())};
      while (next < end && here_.name(here_.entries[next]) < entry.name) remove_here(next++);
      const bool met = next < end && here_.name(here_.entries[next]) == entry.name;
      place(number, entry, met ? next++ : SIZE_MAX);
    }
    while (next < end) remove_here(next++);
    return {};
  }

  void place(size_t number, const Entry& entry, size_t met) {
    const auto* old = met == SIZE_MAX ? nullptr : &here_.entries[met];
    ScanEntry now{.name_at = result().add_name(entry.name),
                  .name_size = static_cast<uint32_t>(entry.name.size()),
                  .kind = entry.kind,
                  .known = 1,
                  .digest = entry.digest};
    if (entry.kind == Kind::tree) {
      now.folder = result().folders.size();
      result().folders.push_back({.parent = number,
                                  .entry = result().entries.size(),
                                  .digest = entry.digest,
                                  .size = entry.size,
                                  .files = entry.files});
      const bool folder_there = old != nullptr && old->kind == Kind::tree;
      twins_.push_back(folder_there ? old->folder : SIZE_MAX);
      if (!folder_there) new_folders_.push_back(now.folder);
      if (!folder_there && old != nullptr) remove_here(met);
    } else if (old != nullptr && old->kind == entry.kind && old->digest == entry.digest) {
      now.stamp = old->stamp;
      now.fresh = old->fresh;
      ++out_.kept;
    } else {
      now.stamp.size = entry.size;
      if (old != nullptr && old->kind == Kind::tree)
        remove_here(met);
      else if (old != nullptr && !objects_.has(old->digest))
        losses_.push_back(here_.path(here_.folder_of(met), *old));
      writes_.push_back(result().entries.size());
      ++out_.written;
    }
    result().entries.push_back(now);
  }

  Result<void> check_losses() const {
    if (losses_.empty()) return {};
    std::string names;
    for (size_t i = 0; i < std::min(kShown, losses_.size()); ++i)
      names += (i == 0 ? "" : ", ") + (losses_[i].empty() ? path_ : losses_[i]);
    if (losses_.size() > kShown) names += fmt::format(" and {} more", losses_.size() - kShown);
    return Error{Code::conflict, fmt::format("changes that are in no version would be lost: {}", names)}
        .at({.file = path_})
        .hint("keep them with millrace data add, or give them up with --force");
  }

  std::string below(const std::string& top, size_t folder) const {
    const auto path = out_.index.scan.path(folder);
    return path.empty() ? top : top + "/" + path;
  }

  Result<void> make_folders_below(const std::string& top) const {
    for (const auto folder : new_folders_)
      if (const auto path = below(top, folder); ::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST)
        return file_error("cannot make the folder", path, errno);
    return {};
  }

  Entry entry_at(size_t at) const {
    const auto& entry = out_.index.scan.entries[at];
    return {.kind = entry.kind, .digest = entry.digest, .size = entry.stamp.size, .files = 1, .name = ""};
  }

  // `beside`: written under another name and renamed.
  Result<void> write_files(const std::string& top, bool beside) {
    // Long runs: two threads that make files in one folder wait for one another.
    const auto step = std::clamp<size_t>(writes_.size() / (cores() * 4), 1, kMostStep);
    return for_each_of(writes_.size(), cores(), step, [&](size_t i) -> Result<void> {
      auto& entry = result().entries[writes_[i]];
      const auto folder = below(top, result().folder_of(writes_[i]));
      const auto place = folder + "/" + std::string(result().name(entry));
      const auto path = beside ? fmt::format("{}/{}{}", folder, kBeside, writes_[i]) : place;
      if (beside) ::unlink(path.c_str());
      MILLRACE_TRY(entry.stamp, write_out(objects_, entry_at(writes_[i]), path, options_.giving));
      FAULT_POINT("versions.checkout.after_file");
      if (beside && ::rename(path.c_str(), place.c_str()) != 0)
        return file_error("cannot rename into place", place, errno);
      return {};
    });
  }

  Result<void> build_anew() {
    const auto name = path_.substr(path_.rfind('/') + 1);
    const auto beside = fmt::format("{}/{}{}", parent_of(path_), kBeside, name);
    MILLRACE_DO(make_folders(parent_of(path_), 0777));
    MILLRACE_DO(remove_tree(beside));
    if (::mkdir(beside.c_str(), 0777) != 0) return file_error("cannot make the folder", beside, errno);
    auto built = make_folders_below(beside);
    if (built) built = write_files(beside, false);
    if (!built) {
      (void)remove_tree(beside);
      return built;
    }
    FAULT_POINT("versions.checkout.before_rename");
    if (::rename(beside.c_str(), path_.c_str()) != 0) return file_error("cannot rename into place", path_, errno);
    return {};
  }

  Result<void> change_in_place() {
    MILLRACE_DO(make_folders(parent_of(path_), 0777));
    // Whether every object is there is known before the first file goes away.
    for (const auto at : writes_)
      if (const auto& digest = result().entries[at].digest; !objects_.has(digest)) return no_object(digest);
    for (const auto& path : removals_) MILLRACE_DO(remove_tree(path));
    if (wanted_target_.only.empty()) MILLRACE_DO(make_folders(path_, 0777));
    MILLRACE_DO(make_folders_below(wanted_target_.path));
    return write_files(wanted_target_.path, true);
  }

  // Of the files that were written: those of the last moment stay fresh, and a file that somebody changed meanwhile is
  // read again by the next status.
  Result<void> take_stamps() {
    return for_each_of(writes_.size(), cores(), kMostStep, [&](size_t i) -> Result<void> {
      auto& entry = result().entries[writes_[i]];
      const auto path =
          below(wanted_target_.path, result().folder_of(writes_[i])) + "/" + std::string(result().name(entry));
      const auto now = file_clock_ns();
      struct stat info {};
      if (::lstat(path.c_str(), &info) != 0) return file_error("cannot stat", path, errno);
      const auto stamp = stamp_of(info);
      entry.known = stamp.inode == entry.stamp.inode && stamp.size == entry.stamp.size &&
                            stamp.modified_ns == entry.stamp.modified_ns
                        ? 1
                        : 0;
      entry.stamp = stamp;
      entry.fresh = is_fresh(stamp, now) ? 1 : 0;
      return {};
    });
  }

  const Objects& objects_;
  std::string path_;
  const Entry& want_;
  CheckoutOptions options_;
  ScanTarget target_, wanted_target_;
  Scan here_;
  std::vector<size_t> twins_;  // of each folder of result(), the same one of here_
  std::vector<size_t> writes_, new_folders_;
  std::vector<std::string> removals_, losses_;
  CheckedOut out_;
};

}  // namespace

Result<CheckedOut> checkout(const Objects& objects, const std::string& path, const Entry& want, const Index* before,
                            const CheckoutOptions& options) {
  return Checkout(objects, path, want, options).run(before);
}

}  // namespace millrace::versions
