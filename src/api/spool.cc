#include "api/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "core/files.h"

namespace millrace::api {
namespace {

constexpr int64_t kPush = 8 << 20;

}  // namespace

Result<Spool> Spool::open(const std::string& folder) {
  std::string path = folder + "/upload-XXXXXX";
  const int descriptor = ::mkostemp(path.data(), O_CLOEXEC);
  if (descriptor < 0) return file_error("cannot keep the upload", path, errno);
  return Spool(descriptor, std::move(path));
}

Spool::Spool(Spool&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::exchange(other.path_, {})),
      hash_(std::move(other.hash_)),
      written_(other.written_),
      pushed_(other.pushed_) {}

Spool::~Spool() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<void> Spool::append(std::string_view bytes) {
  hash_.update(bytes);
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(descriptor_, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return file_error("cannot keep the upload", path_, errno);
    bytes.remove_prefix(static_cast<size_t>(wrote));
    written_ += wrote;
  }
  // The disk starts at once, so that the flush at the end of gigabytes is not what the client waits for.
  if (written_ - pushed_ >= kPush) {
    ::sync_file_range(descriptor_, pushed_, written_ - pushed_, SYNC_FILE_RANGE_WRITE);
    pushed_ = written_;
  }
  return {};
}

Result<void> Spool::close() {
  if (::close(std::exchange(descriptor_, -1)) != 0) return file_error("cannot keep the upload", path_, errno);
  return {};
}

}  // namespace millrace::api
