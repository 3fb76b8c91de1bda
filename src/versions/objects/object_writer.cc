#include "versions/objects/object_writer.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include <fmt/format.h>

#include "core/descriptor.h"
#include "core/fault.h"
#include "core/files.h"

namespace millrace::versions {
namespace {

constexpr size_t kPiece = 256 << 10;
constexpr int64_t kCommitBytes = int64_t{1} << 30;  // written before they are flushed and put in place
constexpr size_t kFlushedAlone = 16;                // up to so many files are flushed one by one
constexpr int64_t kManifestBytes = 16 << 20;        // kept in memory
constexpr size_t kFewObjects = 8;                   // that are not worth a pack
constexpr int64_t kSharedPack = 4 << 20;            // so small a pack takes the manifests too

Result<Descriptor> create(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0400));
  if (!file) return file_error("cannot create", path, errno);
  return file;
}

Result<void> seal(int file, const std::string& path) {
  const timespec time{.tv_sec = kSealedSeconds, .tv_nsec = 0};
  const timespec times[] = {time, time};
  if (::fchmod(file, 0444) != 0 || ::futimens(file, times) != 0) return file_error("cannot seal", path, errno);
  return {};
}

Result<Digest> hash_file(int file, const std::string& path) {
  Hasher hasher;
  std::string piece(kPiece, '\0');
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(file, piece.data(), piece.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error("cannot read", path, errno);
    if (got == 0) return hasher.end();
    hasher.update({piece.data(), static_cast<size_t>(got)});
    at += got;
  }
}

Result<Digest> copy_and_hash(int from, int to, const std::string& name, const std::string& path) {
  Hasher hasher;
  std::string piece(kPiece, '\0');
  while (true) {
    const ssize_t got = ::read(from, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error("cannot read", name, errno);
    if (got == 0) return hasher.end();
    const std::string_view bytes(piece.data(), static_cast<size_t>(got));
    hasher.update(bytes);
    MILLRACE_DO(write_all(to, bytes, path));
  }
}

Result<void> flush_all(const std::string& folder) {
  const Descriptor any(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!any || ::syncfs(any.get()) != 0) return file_error("cannot flush", folder, errno);
  return {};
}

}  // namespace

struct ObjectWriter::Open {
  std::string path;
  Descriptor file;
  std::string buffer;
  uint64_t size = 0;
  std::vector<PackEntry> entries;
};

ObjectWriter::ObjectWriter(const Objects& objects, std::string folder, Known known)
    : objects_(objects), folder_(std::move(folder)), known_(known) {}

ObjectWriter::~ObjectWriter() { (void)remove_tree(folder_); }

Result<std::unique_ptr<ObjectWriter>> ObjectWriter::begin(const Objects& objects, Context& context, Known known) {
  auto folder = objects.incoming_folder() + "/" + context.uuid();
  MILLRACE_DO(make_folders(folder));
  return std::unique_ptr<ObjectWriter>(new ObjectWriter(objects, std::move(folder), known));
}

std::string ObjectWriter::next_name() { return fmt::format("{}/{}", folder_, ++names_); }

bool ObjectWriter::is_new(const Digest& digest, int64_t size) {
  if (is_known(digest) || !seen_.insert(digest).second) return false;
  ++written_.objects;
  written_.bytes += size;
  return true;
}

Result<void> ObjectWriter::put(const Digest& digest, std::string_view bytes) {
  if (is_known(digest)) return {};
  const std::lock_guard lock(mutex_);
  if (!is_new(digest, static_cast<int64_t>(bytes.size()))) return {};
  return append(digest, bytes);
}

Result<void> ObjectWriter::put_manifest(const Digest& digest, std::string bytes) {
  const std::lock_guard lock(mutex_);
  const auto size = static_cast<int64_t>(bytes.size());
  if (!is_new(digest, size)) return {};
  manifests_.emplace_back(digest, std::move(bytes));
  manifest_bytes_ += size;
  if (manifest_bytes_ < kManifestBytes) return {};
  MILLRACE_DO(end_pack());
  for (const auto& [name, text] : std::exchange(manifests_, {})) MILLRACE_DO(append(name, text));
  manifest_bytes_ = 0;
  return end_pack();
}

Result<void> ObjectWriter::append(const Digest& digest, std::string_view bytes) {
  if (!pack_) {
    pack_ = std::make_unique<Open>();
    pack_->path = next_name();
    MILLRACE_TRY(pack_->file, create(pack_->path));
    pack_->buffer = kPackHead;
    pack_->size = kPackHead.size();
  }
  pack_->entries.push_back({digest, pack_->size, bytes.size()});
  pack_->size += bytes.size();
  pack_->buffer += bytes;
  if (pack_->buffer.size() >= kPiece * 4) {
    MILLRACE_DO(write_all(pack_->file.get(), pack_->buffer, pack_->path));
    pack_->buffer.clear();
  }
  if (pack_->size >= static_cast<uint64_t>(kPackBytes)) return end_pack();
  return {};
}

Result<void> ObjectWriter::end_pack() {
  if (!pack_) return {};
  const auto pack = std::exchange(pack_, nullptr);
  MILLRACE_DO(write_all(pack->file.get(), pack->buffer, pack->path));
  MILLRACE_DO(seal(pack->file.get(), pack->path));
  auto& entries = pack->entries;
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.digest < b.digest; });
  const auto place = objects_.packs_folder() + "/" + pack_id(entries);
  const auto list = next_name();
  MILLRACE_TRY(auto file, create(list));
  MILLRACE_DO(write_all(file.get(), pack_list(entries, pack->size), list));
  pending_.push_back({pack->path, place + ".pack"});
  pending_.push_back({list, place + ".idx"});  // after its pack
  pending_bytes_ += static_cast<int64_t>(pack->size);
  return pending_bytes_ >= kCommitBytes ? commit() : Result<void>();
}

// A few objects are files of their own, so that a thousand small additions are not a thousand packs.
Result<bool> ObjectWriter::end_as_files() {
  if (!pack_ || pack_->entries.size() > kFewObjects || pack_->size != pack_->buffer.size()) return false;
  const auto pack = std::exchange(pack_, nullptr);
  ::unlink(pack->path.c_str());
  for (const auto& entry : pack->entries) {
    const auto path = next_name();
    MILLRACE_TRY(const auto file, create(path));
    MILLRACE_DO(write_all(file.get(), std::string_view(pack->buffer).substr(entry.offset, entry.size), path));
    MILLRACE_DO(seal(file.get(), path));
    pending_.push_back({path, objects_.loose_path(entry.digest)});
  }
  return true;
}

Result<Digest> ObjectWriter::put_file(int from, const std::string& name) {
  std::string path;
  {
    const std::lock_guard lock(mutex_);
    path = next_name();
  }
  MILLRACE_TRY(auto to, create(path));
  Digest digest;
  if (::ioctl(to.get(), FICLONE, from) == 0) {
    MILLRACE_TRY(digest, hash_file(to.get(), path));
  } else {
    MILLRACE_TRY(digest, copy_and_hash(from, to.get(), name, path));
  }
  MILLRACE_DO(seal(to.get(), path));
  MILLRACE_DO(adopt(digest, path));
  return digest;
}

Result<void> ObjectWriter::adopt(const Digest& digest, const std::string& path) {
  MILLRACE_TRY(const auto size, file_size(path));
  const std::lock_guard lock(mutex_);
  if (!is_new(digest, size)) {
    ::unlink(path.c_str());
    return {};
  }
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return file_error("cannot open", path, errno);
  MILLRACE_DO(seal(file.get(), path));
  pending_.push_back({path, objects_.loose_path(digest)});
  pending_bytes_ += size;
  return pending_bytes_ >= kCommitBytes ? commit() : Result<void>();
}

Result<void> ObjectWriter::commit() {
  if (pending_.empty()) return {};
  FAULT_POINT("versions.objects.before_flush");
  if (pending_.size() > kFlushedAlone) {
    MILLRACE_DO(flush_all(folder_));
  } else {
    for (const auto& each : pending_) MILLRACE_DO(flush_file(each.from));
  }
  FAULT_POINT("versions.objects.before_rename");
  const auto pending = std::exchange(pending_, {});
  pending_bytes_ = 0;
  return publish(pending);
}

Result<void> ObjectWriter::publish(const std::vector<Pending>& pending) {
  std::set<std::string> folders;
  for (const auto& each : pending) {
    auto folder = parent_of(each.to);
    if (folders.insert(folder).second && ::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
      return file_error("cannot make the folder", folder, errno);
    if (::rename(each.from.c_str(), each.to.c_str()) != 0)
      return file_error("cannot rename into place", each.to, errno);
    made_.insert(each.to);
    FAULT_POINT("versions.objects.between_renames");
  }
  if (folders.size() > kFlushedAlone) return flush_all(folder_);
  folders.insert(objects_.folder() + "/objects");
  for (const auto& folder : folders) MILLRACE_DO(flush_folder(folder));
  return {};
}

Result<Written> ObjectWriter::finish() {
  const std::lock_guard lock(mutex_);
  if (pack_ && pack_->size > static_cast<uint64_t>(kSharedPack)) MILLRACE_DO(end_pack());
  for (const auto& [digest, text] : manifests_) MILLRACE_DO(append(digest, text));
  manifests_.clear();
  MILLRACE_TRY(const bool ended, end_as_files());
  if (!ended) MILLRACE_DO(end_pack());
  MILLRACE_DO(commit());
  return written_;
}

}  // namespace millrace::versions
