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

struct Scratch {
  std::string path;
  ~Scratch() { (void)remove_tree(path); }
};

class Push {
 public:
  Push(Workspace& workspace, const Far& far, const TransferOptions& options, std::string scratch)
      : workspace_(workspace), far_(far), options_(options), scratch_{std::move(scratch)} {}

  Result<Transfer> run() {
    MILLRACE_DO(make_folders(scratch_.path));
    History history(workspace_);
    Roots roots;
    for (const auto* kind : {"tags", "branches"})
      for (const auto& [name, digest] : history.names(kind)) roots.snapshots.push_back(digest);
    for (const auto& [path, entry] : workspace_.tracked().paths) roots.entries.push_back(entry);
    MILLRACE_TRY(const auto names, checked_names(history));
    MILLRACE_TRY(const auto needed,
                 reach(roots, workspace_.fetch(), [](const Error& error, bool) -> Result<void> { return error; }));
    MILLRACE_DO(find_missing(needed));
    MILLRACE_DO(send());
    FAULT_POINT("versions.push.before_names");
    for (const auto& [path, digest] : names) {
      const auto slash = path.find('/');
      MILLRACE_DO(far_.set_name(path.substr(0, slash), path.substr(slash + 1), digest, scratch_.path));
      out_.names[path] = digest.text();
    }
    return out_;
  }

 private:
  struct File {
    std::string local, key, list, list_key;  // the list follows its pack
    int64_t size = 0;
  };

  // Those that move; refused when the remote would lose something.
  Result<std::map<std::string, Digest>> checked_names(const History& history) const {
    std::map<std::string, Digest> out;
    for (const std::string kind : {"tags", "branches"}) {
      MILLRACE_TRY(const auto there, far_.names(kind));
      for (const auto& [name, digest] : history.names(kind)) {
        const auto found = there.find(name);
        if (found != there.end() && found->second == digest) continue;
        if (found != there.end() && !options_.force) {
          bool follows = false;
          if (kind == "branches" && workspace_.objects().has(found->second)) {
            MILLRACE_TRY(follows, history.is_before(found->second, digest));
          }
          if (!follows)
            return Error{Code::conflict, fmt::format("on the remote '{}' names {}", name, found->second.text())}.hint(
                "millrace data pull brings what others pushed; --force moves the name");
        }
        out.emplace(kind + "/" + name, digest);
      }
    }
    return out;
  }

  Result<void> find_missing(const Digests& needed) {
    std::map<const Pack*, std::vector<const PackEntry*>> packed;
    std::vector<Digest> loose;
    for (const auto& digest : needed) {
      if (far_.find_packed(digest).first != nullptr) {
        ++out_.there;
        continue;
      }
      const auto [pack, entry] = workspace_.objects().find_packed(digest);
      if (pack != nullptr)
        packed[pack].push_back(entry);
      else if (workspace_.objects().has_loose(digest))
        loose.push_back(digest);
      else
        return no_object(digest);
    }
    MILLRACE_DO(plan_loose(loose));
    return plan_packs(packed);
  }

  Result<void> plan_loose(const std::vector<Digest>& digests) {
    std::vector<char> there(digests.size(), 0);
    MILLRACE_DO(for_each_of(digests.size(), kAtOnce, 1, [&](size_t i) -> Result<void> {
      MILLRACE_TRY(const bool found, far_.has_loose(digests[i]));
      there[i] = found ? 1 : 0;
      return {};
    }));
    for (size_t i = 0; i < digests.size(); ++i) {
      if (there[i] != 0) {
        ++out_.there;
        continue;
      }
      // A damaged object must not spread.
      MILLRACE_DO(workspace_.objects().verify(digests[i]));
      const auto path = workspace_.objects().loose_path(digests[i]);
      MILLRACE_TRY(const auto size, file_size(path));
      files_.push_back({path, Far::loose_key(digests[i]), "", "", size});
      ++out_.objects;
    }
    return {};
  }

  // A pack of which everything is missing there goes as it is; of others what is missing is put into new ones.
  Result<void> plan_packs(const std::map<const Pack*, std::vector<const PackEntry*>>& packed) {
    std::vector<std::pair<const Pack*, const PackEntry*>> rest;
    for (const auto& [pack, entries] : packed) {
      out_.objects += static_cast<int64_t>(entries.size());
      if (entries.size() != pack->count()) {
        for (const auto* entry : entries) rest.emplace_back(pack, entry);
        continue;
      }
      MILLRACE_DO(check(*pack));
      add_pack(*pack);
    }
    return rest.empty() ? Result<void>() : pack_rest(rest);
  }

  void add_pack(const Pack& pack) {
    const auto stem = pack.path().substr(0, pack.path().size() - 5);
    files_.push_back({pack.path(), "packs/" + pack.id() + ".pack", stem + ".idx", "packs/" + pack.id() + ".idx",
                      static_cast<int64_t>(pack.bytes())});
  }

  static Result<void> check(const Pack& pack) {
    std::string bytes;
    for (const auto& entry : pack) {
      MILLRACE_DO(pack.read(entry, bytes));
      if (hash_of(bytes) != entry.digest) return damaged_object(entry.digest, pack.path());
    }
    return {};
  }

  // Into a small store of its own, which is then sent whole.
  Result<void> pack_rest(const std::vector<std::pair<const Pack*, const PackEntry*>>& rest) {
    MILLRACE_TRY(auto parcel, Objects::open(scratch_.path + "/parcel"));
    MILLRACE_TRY(const auto writer, ObjectWriter::begin(parcel, workspace_.context()));
    std::string bytes;
    for (const auto& [pack, entry] : rest) {
      MILLRACE_DO(pack->read(*entry, bytes));
      if (hash_of(bytes) != entry->digest) return damaged_object(entry->digest, pack->path());
      MILLRACE_DO(writer->put(entry->digest, bytes));
    }
    MILLRACE_TRY(const auto written, writer->finish());
    (void)written;
    MILLRACE_DO(parcel.reload());
    for (const auto& pack : parcel.packs()) add_pack(*pack);
    return parcel.each_loose([&](const Digest& digest, int64_t size) -> Result<void> {
      files_.push_back({parcel.loose_path(digest), Far::loose_key(digest), "", "", size});
      return {};
    });
  }

  Result<void> send() {
    int64_t all = 0;
    for (const auto& file : files_) all += file.size;
    std::atomic<int64_t> done{0};
    MILLRACE_DO(for_each_of(files_.size(), kAtOnce, 1, [&](size_t i) -> Result<void> {
      const auto& file = files_[i];
      MILLRACE_DO(far_.upload(file.local, file.key, scratch_.path));
      FAULT_POINT("versions.push.after_file");
      if (!file.list.empty()) MILLRACE_DO(far_.upload(file.list, file.list_key, scratch_.path));
      options_.progress(done += file.size, all);
      return {};
    }));
    out_.bytes = all;
    out_.files = static_cast<int64_t>(files_.size());
    return {};
  }

  Workspace& workspace_;
  const Far& far_;
  const TransferOptions& options_;
  Scratch scratch_;
  std::vector<File> files_;
  Transfer out_;
};

}  // namespace

Result<Transfer> push(Workspace& workspace, const Remote& remote, const TransferOptions& options) {
  MILLRACE_TRY(const auto far, Far::open(workspace, remote));
  return Push(workspace, far, options, workspace.objects().incoming_folder() + "/push-" + workspace.context().uuid())
      .run();
}

}  // namespace millrace::versions
