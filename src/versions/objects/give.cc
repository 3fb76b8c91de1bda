// One file out of the store.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/descriptor.h"
#include "core/files.h"
#include "versions/objects/descriptor.h"
#include "versions/work/checkout.h"

namespace millrace::versions {
namespace {

constexpr int64_t kLinkChecked = 1 << 20;  // a larger object that is linked is judged by its seal alone

Result<void> check_seal(const Objects& objects, const Entry& file) {
  const auto path = objects.loose_path(file.digest);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0)
    return errno == ENOENT ? no_object(file.digest) : file_error("cannot stat", path, errno);
  if (info.st_mtim.tv_sec != kSealedSeconds || info.st_mtim.tv_nsec != 0 || info.st_size != file.size)
    return damaged_object(file.digest, path);
  return file.size <= kLinkChecked ? objects.verify(file.digest) : Result<void>();
}

Result<Stamp> link_out(const Objects& objects, const Entry& file, const std::string& path) {
  MILLRACE_DO(check_seal(objects, file));
  if (::link(objects.loose_path(file.digest).c_str(), path.c_str()) != 0) return file_error("cannot link", path, errno);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return file_error("cannot stat", path, errno);
  return stamp_of(info);
}

// True when the file now shares the object's blocks; their bytes are checked.
Result<bool> clone_into(const Objects& objects, const Entry& file, int to) {
  const Descriptor from(::open(objects.loose_path(file.digest).c_str(), O_RDONLY | O_CLOEXEC));
  if (!from || ::ioctl(to, FICLONE, from.get()) != 0) return false;
  MILLRACE_DO(objects.verify(file.digest));
  return true;
}

Result<void> fill(const Objects& objects, const Entry& file, int to, const std::string& path) {
  if (file.size > kPackedBytes) {
    MILLRACE_TRY(const bool cloned, clone_into(objects, file, to));
    if (cloned) return {};
  }
  return objects.stream(file.digest, [&](std::string_view bytes) { return write_all(to, bytes, path); });
}

}  // namespace

Result<Stamp> write_out(const Objects& objects, const Entry& file, const std::string& path, Giving giving) {
  // An executable file needs a mode of its own, which a link cannot have.
  if (giving == Giving::link && file.kind == Kind::file && file.size > kPackedBytes &&
      objects.find_packed(file.digest).first == nullptr) {
    auto linked = link_out(objects, file, path);
    if (linked || linked.error().code() == Code::corrupt || linked.error().code() == Code::not_found) return linked;
    // Another file system, or too many links: a copy does.
  }
  const mode_t mode = file.kind == Kind::exec ? 0777 : 0666;
  const Descriptor to(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!to) return file_error("cannot create", path, errno);
  auto filled = fill(objects, file, to.get(), path);
  struct stat info {};
  if (filled && ::fstat(to.get(), &info) != 0) filled = file_error("cannot stat", path, errno);
  if (filled && info.st_size != file.size) filled = damaged_object(file.digest, objects.loose_path(file.digest));
  if (filled) return stamp_of(info);
  ::unlink(path.c_str());
  return std::move(filled).error();
}

}  // namespace millrace::versions
