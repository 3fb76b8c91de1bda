#include "versions/gc.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "core/fault.h"
#include "versions/objects/object_writer.h"

namespace millrace::versions {
namespace {

constexpr uint64_t kSmallPack = 4 << 20;
constexpr size_t kManySmall = 32;  // packs smaller than that: they become one

class Collector {
 public:
  Collector(Workspace& workspace, Collecting what, Micros idle)
      : workspace_(workspace), what_(what), before_(workspace.context().now() - idle) {}

  Result<Garbage> run() {
    History history(workspace_);
    MILLRACE_TRY(const auto roots, roots_of(workspace_, history));
    MILLRACE_TRY(live_, reach(roots, workspace_.fetch(), [](const Error& error, bool is_root) -> Result<void> {
                   // A version that was never pulled is fine. A hole in one that is here is not: what lies behind it
                   // cannot be told from garbage.
                   if (error.code() == Code::not_found && is_root) return {};
                   return Error(error).while_doing("marking what is in use");
                 }));
    out_.live = static_cast<int64_t>(live_.size());
    FAULT_POINT("versions.gc.marked");
    MILLRACE_DO(sweep_files());
    MILLRACE_DO(sweep_packs());
    MILLRACE_DO(sweep_leftovers());
    return out_;
  }

 private:
  // The time of change of an object is its seal; when it came here, the file system says.
  bool is_young(const std::string& path) const {
    struct stat info {};
    return ::stat(path.c_str(), &info) != 0 || info.st_ctim.tv_sec * 1'000'000 + info.st_ctim.tv_nsec / 1'000 > before_;
  }

  Result<void> remove(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return {};
    if (::unlink(path.c_str()) != 0) return file_error("cannot remove", path, errno);
    out_.freed_bytes += info.st_size;
    return {};
  }

  Result<void> sweep_files() {
    return workspace_.objects().each_loose([&](const Digest& digest, int64_t size) -> Result<void> {
      if (live_.contains(digest)) return {};
      ++out_.objects;
      out_.bytes += size;
      const auto path = workspace_.objects().loose_path(digest);
      if (is_young(path)) {
        ++out_.kept_young;
        return {};
      }
      if (what_ == Collecting::look) return {};
      ++out_.removed_files;
      return remove(path);
    });
  }

  Result<void> sweep_packs() {
    std::vector<const Pack*> rewritten;
    std::vector<const Pack*> small;
    for (const auto& pack : workspace_.objects().packs()) {
      uint64_t dead = 0, all = 0;
      int64_t count = 0;
      for (const auto& entry : *pack) {
        all += entry.size;
        if (live_.contains(entry.digest)) continue;
        dead += entry.size;
        ++count;
      }
      out_.objects += count;
      out_.bytes += static_cast<int64_t>(dead);
      if (count != 0 && is_young(pack->path())) {
        out_.kept_young += count;
        continue;
      }
      if (count != 0 && (count == static_cast<int64_t>(pack->count()) || dead * 2 > all))
        rewritten.push_back(pack.get());
      else if (pack->bytes() < kSmallPack)
        small.push_back(pack.get());
    }
    if (small.size() >= kManySmall) rewritten.insert(rewritten.end(), small.begin(), small.end());
    if (what_ == Collecting::look || rewritten.empty()) return {};
    return rewrite(rewritten);
  }

  // The living objects are durable in new packs before the old ones go.
  Result<void> rewrite(const std::vector<const Pack*>& packs) {
    MILLRACE_TRY(const auto writer,
                 ObjectWriter::begin(workspace_.objects(), workspace_.context(), ObjectWriter::Known::written_again));
    std::string bytes;
    for (const auto* pack : packs) {
      bool any = false;
      for (const auto& entry : *pack) {
        if (!live_.contains(entry.digest)) continue;
        any = true;
        MILLRACE_DO(pack->read(entry, bytes));
        if (hash_of(bytes) != entry.digest) return damaged_object(entry.digest, pack->path());
        MILLRACE_DO(writer->put(entry.digest, bytes));
      }
      if (any) ++out_.rewritten_packs;
    }
    MILLRACE_TRY(const auto written, writer->finish());
    FAULT_POINT("versions.gc.rewritten");
    for (const auto* pack : packs) {
      const auto path = pack->path();
      // The list first: a pack without one counts for nothing.
      const auto list = path.substr(0, path.size() - 5) + ".idx";
      if (writer->has_made(list)) continue;
      MILLRACE_DO(remove(list));
      MILLRACE_DO(remove(path));
      ++out_.removed_files;
    }
    out_.freed_bytes -= written.bytes;
    MILLRACE_DO(flush_folder(workspace_.objects().packs_folder()));
    return workspace_.objects().reload();
  }

  Result<void> sweep_leftovers() {
    std::error_code error;
    std::vector<std::string> found;
    for (std::filesystem::directory_iterator each(workspace_.objects().incoming_folder(), error), end;
         !error && each != end; each.increment(error))
      found.push_back(each->path().string());
    out_.leftovers = static_cast<int64_t>(found.size());
    if (what_ == Collecting::look) return {};
    for (const auto& path : found) MILLRACE_DO(remove_tree(path));
    return {};
  }

  Workspace& workspace_;
  Collecting what_;
  Micros before_;
  Digests live_;
  Garbage out_;
};

}  // namespace

Result<Garbage> collect_garbage(Workspace& workspace, Collecting what, Micros idle) {
  return Collector(workspace, what, idle).run();
}

}  // namespace millrace::versions
