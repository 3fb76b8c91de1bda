#include <algorithm>
#include <atomic>

#include <fmt/format.h>

#include "core/fault.h"
#include "versions/objects/object_writer.h"
#include "versions/parallel.h"
#include "versions/reach.h"
#include "versions/remotes/far.h"

namespace millrace::versions {
namespace {

constexpr size_t kAtOnce = 8;  // transfers
constexpr size_t kManifestBytes = 64 << 20;

struct Scratch {
  std::string path;
  ~Scratch() { (void)remove_tree(path); }
};

Error wrong(const Digest& digest, const std::string& remote) {
  return Error{Code::corrupt, fmt::format("the remote {} gave out other bytes than those of {}", remote, digest.text())}
      .hint("remove that object there and push it again from a store that has it");
}

class Pull {
 public:
  Pull(Workspace& workspace, const Far& far, const Remote& remote, const TransferOptions& options, std::string scratch)
      : workspace_(workspace), far_(far), remote_(remote), options_(options), scratch_{std::move(scratch)} {}

  Result<Transfer> run() {
    MILLRACE_DO(make_folders(scratch_.path));
    std::map<std::string, Digest> names;
    Roots roots;
    for (const std::string kind : {"tags", "branches"}) {
      MILLRACE_TRY(const auto found, far_.names(kind));
      for (const auto& [name, digest] : found) {
        names.emplace(kind + "/" + name, digest);
        roots.snapshots.push_back(digest);
      }
    }
    for (const auto& [path, entry] : workspace_.tracked().paths) roots.entries.push_back(entry);
    MILLRACE_DO(walk(start_of(roots)));
    FAULT_POINT("versions.pull.before_names");
    MILLRACE_DO(take_names(names));
    out_.files = requests_;
    return out_;
  }

 private:
  // Level by level: what the manifests of one level lead to is the next. Each level is durable before the next begins,
  // so that a pull that broke off goes on there.
  Result<void> walk(std::vector<Found> level) {
    Digests seen;
    while (!level.empty()) {
      std::vector<Found> wanted, opened;
      for (const auto& each : level) {
        if (!seen.insert(each.digest).second) continue;
        if (each.kind != Found::Kind::content) opened.push_back(each);
        if (workspace_.objects().has(each.digest))
          ++out_.there;
        else
          wanted.push_back(each);
      }
      MILLRACE_DO(bring(wanted));
      level.clear();
      for (const auto& each : opened) {
        MILLRACE_TRY(const auto text, workspace_.objects().read(each.digest, kManifestBytes));
        MILLRACE_DO(open_object(each, text, level));
      }
    }
    return {};
  }

  Result<void> bring(const std::vector<Found>& wanted) {
    if (wanted.empty()) return {};
    std::map<const Pack*, std::vector<const PackEntry*>> packed;
    std::vector<Found> loose;
    for (const auto& each : wanted) {
      const auto [pack, entry] = far_.find_packed(each.digest);
      if (pack != nullptr)
        packed[pack].push_back(entry);
      else
        loose.push_back(each);
    }
    MILLRACE_TRY(const auto writer, ObjectWriter::begin(workspace_.objects(), workspace_.context()));
    int64_t all = 0;
    for (const auto& each : wanted) all += each.size;
    std::atomic<int64_t> done{0};
    std::vector<std::pair<const Pack*, const std::vector<const PackEntry*>*>> packs;
    for (const auto& [pack, entries] : packed) packs.emplace_back(pack, &entries);
    MILLRACE_DO(for_each_of(packs.size(), kAtOnce, 1, [&](size_t i) -> Result<void> {
      MILLRACE_DO(bring_packed(*packs[i].first, *packs[i].second, *writer));
      options_.progress(done += static_cast<int64_t>(packs[i].first->bytes()), all);
      return {};
    }));
    MILLRACE_DO(for_each_of(loose.size(), kAtOnce, 1, [&](size_t i) -> Result<void> {
      MILLRACE_DO(bring_loose(loose[i], i, *writer));
      options_.progress(done += loose[i].size, all);
      return {};
    }));
    FAULT_POINT("versions.pull.before_finish");
    MILLRACE_TRY(const auto written, writer->finish());
    out_.objects += written.objects;
    out_.bytes += written.bytes;
    return workspace_.objects().reload();
  }

  // Most of a pack is fetched whole, in one request; a few objects one by one.
  Result<void> bring_packed(const Pack& pack, const std::vector<const PackEntry*>& entries, ObjectWriter& writer) {
    uint64_t bytes = 0;
    for (const auto* entry : entries) bytes += entry->size;
    if (bytes * 2 < pack.bytes()) {
      for (const auto* entry : entries) {
        MILLRACE_TRY(const auto text, far_.read(entry->digest, static_cast<size_t>(kPackedBytes) + kManifestBytes));
        ++requests_;
        MILLRACE_DO(take(entry->digest, text, writer));
      }
      return {};
    }
    const auto file = scratch_.path + "/" + pack.id() + ".pack";
    MILLRACE_DO(far_.download("packs/" + pack.id() + ".pack", file));
    ++requests_;
    const auto list = scratch_.path + "/" + pack.id() + ".idx";
    MILLRACE_DO(copy_file(workspace_.place().versions + "/far/" + pack.id() + ".idx", list));
    MILLRACE_TRY(const auto here, Pack::open(scratch_.path, pack.id()));
    std::string text;
    for (const auto* entry : entries) {
      if (!here->read(*entry, text)) return wrong(entry->digest, remote_.name);
      MILLRACE_DO(take(entry->digest, text, writer));
    }
    MILLRACE_DO(remove_tree(file));
    return remove_tree(list);
  }

  Result<void> take(const Digest& digest, const std::string& bytes, ObjectWriter& writer) const {
    if (hash_of(bytes) != digest) return wrong(digest, remote_.name);
    return writer.put(digest, bytes);
  }

  Result<void> bring_loose(const Found& each, size_t number, ObjectWriter& writer) {
    ++requests_;
    if (each.kind != Found::Kind::content || each.size <= kPackedBytes) {
      MILLRACE_TRY(const auto bytes, far_.read(each.digest, kManifestBytes));
      return take(each.digest, bytes, writer);
    }
    const auto file = fmt::format("{}/{}", scratch_.path, number);
    auto fetched = far_.download(Far::loose_key(each.digest), file);
    if (!fetched && fetched.error().code() == Code::not_found)
      return Error{Code::not_found, fmt::format("the remote {} does not hold {}", remote_.name, each.digest.text())}
          .hint("whoever has it pushes it: millrace data push");
    MILLRACE_DO(fetched);
    MILLRACE_TRY(const auto digest, digest_of_file(file));
    if (digest != each.digest.text()) return wrong(each.digest, remote_.name);
    return writer.adopt(each.digest, file);
  }

  Result<void> take_names(const std::map<std::string, Digest>& names) {
    History history(workspace_);
    for (const auto& [path, digest] : names) {
      const auto slash = path.find('/');
      const auto kind = path.substr(0, slash), name = path.substr(slash + 1);
      const auto now = history.find(kind, name);
      if (now == digest) continue;
      if (now && kind == "branches" && !options_.force) {
        MILLRACE_TRY(const bool ahead, history.is_before(digest, *now));
        if (ahead) continue;  // ours has moved on: that is for push
      }
      auto moved = history.name(kind, name, digest, options_.force ? Moves::anywhere : Moves::forward);
      if (!moved)
        return std::move(moved).error().hint(
            "here and on the remote it went different ways: take the remote's with --force, or rename yours with "
            "millrace data branch");
      out_.names[path] = digest.text();
    }
    return {};
  }

  Workspace& workspace_;
  const Far& far_;
  const Remote& remote_;
  const TransferOptions& options_;
  Scratch scratch_;
  std::atomic<int64_t> requests_{0};
  Transfer out_;
};

}  // namespace

Result<Transfer> pull(Workspace& workspace, const Remote& remote, const TransferOptions& options) {
  MILLRACE_TRY(const auto far, Far::open(workspace, remote));
  return Pull(workspace, far, remote, options,
              workspace.objects().incoming_folder() + "/pull-" + workspace.context().uuid())
      .run();
}

}  // namespace millrace::versions
