#include "track/files/s3.h"

#include <arrow/buffer.h>
#include <arrow/filesystem/filesystem.h>
#include <arrow/io/interfaces.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <mutex>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/files.h"

namespace millrace::track {
namespace {

namespace fs = arrow::fs;

constexpr int64_t kReadAhead = 4 << 20;  // bytes of one request of a download
constexpr int64_t kWrite = 1 << 20;
constexpr int64_t kFlushEvery = 10 << 20;   // Arrow's parts: one on its way to the bucket, one being filled
constexpr size_t kFolderEntries = 100'000;  // listed of one folder

Error s3_error(std::string_view doing, const ArtifactPath& at, const arrow::Status& status) {
  const auto& text = status.message();
  const bool refused = text.find("ACCESS_DENIED") != std::string::npos || text.find("FORBIDDEN") != std::string::npos ||
                       text.find("INVALID_ACCESS_KEY") != std::string::npos ||
                       text.find("SIGNATURE") != std::string::npos;
  return Error{refused ? Code::denied : Code::unavailable,
               fmt::format("cannot {} '{}' in the bucket: {}", doing, at.text(), text.substr(0, 400))}
      .hint(refused ? "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the rights of that key"
                    : "check that the object store can be reached; nothing was half-written");
}

Error not_a_file(const ArtifactPath& at) {
  return Error{Code::invalid, fmt::format("Invalid path: '{}' is not a file", at.text())};
}

Error no_artifact(const ArtifactPath& at) {
  return Error{Code::not_found, fmt::format("No such artifact: '{}'", at.text())};
}

// An object that came through us says its digest, in a parameter of its type: a header that every server keeps.
constexpr std::string_view kType = "application/octet-stream; digest=";

std::string type_of(const std::string& digest) {
  auto type = std::string(kType) + digest;
  std::replace(type.begin(), type.end(), ':', '-');
  return type;
}

FileState state_of(arrow::io::RandomAccessFile& file, int64_t size) {
  FileState state{.size = size, .stamp = ""};
  const auto metadata = file.ReadMetadata();
  if (!metadata.ok() || *metadata == nullptr) return state;
  const auto type = (*metadata)->Get("Content-Type"), tag = (*metadata)->Get("ETag");
  if (type.ok() && type->starts_with(kType))
    state.stamp = *type;
  else if (tag.ok())
    state.stamp = fmt::format("{}-{:x}", *tag, size);
  return state;
}

// One request a few megabytes. The bucket knows nothing of readers: whether all pieces were of one state is seen before
// the last one is given away.
class S3Reader final : public Reader {
 public:
  using Check = std::function<Result<void>()>;
  S3Reader(std::shared_ptr<arrow::io::RandomAccessFile> file, int64_t from, int64_t to, ArtifactPath at, Check check)
      : file_(std::move(file)), next_(from), end_(to), at_(std::move(at)), check_(std::move(check)) {}

  // The first request, before anybody has been promised anything: of most files it is the only one.
  Result<void> start() { return fetch(); }

  Result<size_t> read(char* to, size_t room) override {
    if (given_ == have()) MILLRACE_DO(fetch());
    const auto count = std::min<int64_t>(static_cast<int64_t>(room), have() - given_);
    if (count > 0) std::copy_n(reinterpret_cast<const char*>(buffer_->data()) + given_, count, to);
    given_ += count;
    return static_cast<size_t>(count);
  }

 private:
  int64_t have() const { return buffer_ ? buffer_->size() : 0; }

  Result<void> fetch() {
    buffer_.reset();
    given_ = 0;
    const auto count = std::min(kReadAhead, end_ - next_);
    if (count <= 0) return {};
    auto got = file_->ReadAt(next_, count);
    if (!got.ok()) return s3_error("read", at_, got.status());
    if ((*got)->size() != count) return Error{Code::unavailable, fmt::format("'{}' was cut short", at_.text())};
    next_ += count;
    if (next_ == end_) MILLRACE_DO(check_());
    buffer_ = std::move(*got);
    return {};
  }

  std::shared_ptr<arrow::io::RandomAccessFile> file_;
  std::shared_ptr<arrow::Buffer> buffer_;
  int64_t given_ = 0, next_, end_;
  ArtifactPath at_;
  Check check_;
};

class S3Files final : public FileStore {
 public:
  S3Files(S3Options options, Clock& clock) : options_(std::move(options)), clock_(clock) {}

  Result<FileState> put(const ArtifactPath& at, const std::string& local_file, const std::string& digest) override {
    const std::unique_ptr<FILE, int (*)(FILE*)> in(std::fopen(local_file.c_str(), "rbe"), &std::fclose);
    if (!in) return file_error("cannot read", local_file, errno);
    MILLRACE_TRY(const auto bucket, connect(at));
    auto opened = bucket->OpenOutputStream(key_of(at), arrow::key_value_metadata({"Content-Type"}, {type_of(digest)}));
    if (!opened.ok()) return s3_error("write", at, opened.status());
    const auto& out = *opened;
    if (auto sent = send(in.get(), *out, local_file, at); !sent) {
      (void)out->Abort();
      return std::move(sent).error();
    }
    FAULT_POINT("track.artifact.before_close");
    if (const auto closed = out->Close(); !closed.ok()) return s3_error("write", at, closed);
    MILLRACE_TRY(const auto size, file_size(local_file));
    return FileState{.size = size, .stamp = type_of(digest)};
  }

  Result<FileState> find(const ArtifactPath& at) const override {
    MILLRACE_TRY(const auto file, open_object(at));
    return file.state;
  }

  Result<OpenFile> open(const ArtifactPath& at, Span span) const override {
    MILLRACE_TRY(auto object, open_object(at));
    const auto from = std::min(span.offset, object.state.size);
    const auto to = span.length < 0 ? object.state.size : std::min(object.state.size, from + span.length);
    auto unchanged = [this, at, stamp = object.state.stamp]() -> Result<void> {
      MILLRACE_TRY(const auto now, find(at));
      if (now.stamp == stamp) return {};
      return Error{Code::conflict, fmt::format("'{}' was replaced while it was read", at.text())}.hint("read it again");
    };
    auto reader = std::make_unique<S3Reader>(std::move(object.file), from, to, at, std::move(unchanged));
    MILLRACE_DO(reader->start());
    return OpenFile{std::move(object.state), std::move(reader)};
  }

  Result<std::vector<FileInfo>> list(const ArtifactPath& at) const override {
    MILLRACE_TRY(const auto bucket, connect(at));
    fs::FileSelector selector;
    selector.base_dir = key_of(at);
    selector.allow_not_found = true;
    const auto found = bucket->GetFileInfo(selector);
    if (!found.ok()) return s3_error("list", at, found.status());
    if (found->size() > kFolderEntries)
      return Error{Code::too_large,
                   fmt::format("the folder '{}' holds more than {} entries", at.text(), kFolderEntries)};
    std::vector<FileInfo> out;
    for (const auto& each : *found) {
      const auto name = each.base_name();
      if (name.empty() || name.starts_with(kArtifactBeside) || (at.parts().empty() && name == "workspaces")) continue;
      out.push_back({name, each.IsDirectory(), each.IsDirectory() ? 0 : each.size()});
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    return out;
  }

  Result<void> remove(const ArtifactPath& at) override {
    MILLRACE_TRY(const auto bucket, connect(at));
    const auto info = bucket->GetFileInfo(key_of(at));
    if (!info.ok()) return s3_error("remove", at, info.status());
    if (info->type() == fs::FileType::NotFound) return no_artifact(at);
    const auto done = info->IsDirectory() ? bucket->DeleteDir(key_of(at)) : bucket->DeleteFile(key_of(at));
    if (!done.ok()) return s3_error("remove", at, done);
    return {};
  }

  Result<std::string> local_file(const ArtifactPath&) const override {
    return Error{Code::unsupported, "artifacts lie in a bucket, not on this machine"}.hint("read it as a stream");
  }

  Result<int64_t> leftovers(Micros, Leftovers) override { return int64_t{0}; }

  bool presigns() const override { return options_.key && !options_.place.region.empty(); }

  Result<std::string> presign(const ArtifactPath& at, Presign what, int64_t seconds) const override {
    if (!presigns())
      return Error{Code::unsupported, fmt::format("Presigned {} is not supported for the current artifact repository",
                                                  what == Presign::get ? "download" : "upload")}
          .hint("the server needs AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and a region for it");
    const auto& place = options_.place;
    SignedAddress address{.method = what == Presign::get ? "GET" : "PUT",
                          .scheme = place.scheme,
                          .host = place.endpoint,
                          .path = "/" + key_of(at),
                          .region = place.region,
                          .query = {},
                          .now = clock_.now(),
                          .seconds = seconds};
    if (place.endpoint.empty()) address.host = fmt::format("s3.{}.amazonaws.com", place.region);
    // Browsers must never run what a run has left behind.
    if (what == Presign::get) address.query.emplace_back("response-content-disposition", "attachment");
    return sign(address, *options_.key);
  }

 private:
  struct Object {
    std::shared_ptr<arrow::io::RandomAccessFile> file;
    FileState state;
  };

  Result<std::shared_ptr<fs::FileSystem>> connect(const ArtifactPath& at) const {
    const std::lock_guard lock(mutex_);
    if (bucket_) return bucket_;
    auto made = engine::connect_s3(options_.place, options_.library_folder);
    if (!made.ok()) return s3_error("reach", at, made.status());
    bucket_ = std::move(*made);
    return bucket_;
  }

  std::string key_of(const ArtifactPath& at) const {
    std::string key = options_.place.bucket;
    for (const auto& part : {options_.place.prefix, at.from_root()})
      if (!part.empty()) key += "/" + part;
    return key;
  }

  Result<Object> open_object(const ArtifactPath& at) const {
    if (at.parts().empty()) return not_a_file(at);
    MILLRACE_TRY(const auto bucket, connect(at));
    auto opened = bucket->OpenInputFile(key_of(at));
    if (!opened.ok()) {  // why, is seen by asking once more
      const auto info = bucket->GetFileInfo(key_of(at));
      if (info.ok() && info->type() == fs::FileType::NotFound) return no_artifact(at);
      if (info.ok() && info->IsDirectory()) return not_a_file(at);
      return s3_error("open", at, opened.status());
    }
    const auto size = (*opened)->GetSize();
    if (!size.ok()) return s3_error("open", at, size.status());
    auto state = state_of(**opened, *size);
    return Object{std::move(*opened), std::move(state)};
  }

  // Arrow sends parts in the background and keeps what is not sent yet in memory: waiting now and then bounds it.
  Result<void> send(FILE* in, arrow::io::OutputStream& out, const std::string& local_file, const ArtifactPath& at) {
    std::string piece(kWrite, '\0');
    int64_t waiting = 0;
    while (const size_t got = std::fread(piece.data(), 1, piece.size(), in)) {
      if (const auto wrote = out.Write(piece.data(), static_cast<int64_t>(got)); !wrote.ok())
        return s3_error("write", at, wrote);
      waiting += static_cast<int64_t>(got);
      if (waiting < kFlushEvery) continue;
      if (const auto flushed = out.Flush(); !flushed.ok()) return s3_error("write", at, flushed);
      waiting = 0;
    }
    if (std::ferror(in) != 0) return file_error("cannot read", local_file, errno);
    return {};
  }

  S3Options options_;
  Clock& clock_;
  mutable std::mutex mutex_;  // guards bucket_
  mutable std::shared_ptr<fs::FileSystem> bucket_;
};

}  // namespace

std::unique_ptr<FileStore> open_s3_files(S3Options options, Clock& clock) {
  if (!options.place.endpoint.empty() && options.place.region.empty()) options.place.region = "us-east-1";
  return std::make_unique<S3Files>(std::move(options), clock);
}

void close_s3() { fs::EnsureFinalized(); }

}  // namespace millrace::track
