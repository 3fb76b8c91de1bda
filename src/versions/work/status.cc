#include "versions/work/status.h"

#include <unordered_map>

#include "versions/work/contents.h"

namespace millrace::versions {
namespace {

constexpr size_t kManifestBytes = 64 << 20;

bool same(const Entry& a, const Entry& b) { return a.same_content(b); }

// A status that learnt something writes it down, unless somebody is changing things just now.
void remember(Workspace& workspace, const std::string& path, const Index& index) {
  const auto lock = lock_for_change(workspace.place(), "data status");
  if (lock) (void)write_index(workspace.index_file(path), index, Flushed::no);
}

}  // namespace

Result<PathStatus> status_of(Workspace& workspace, const std::string& path, size_t most) {
  PathStatus out{.path = path, .state = "clean", .wanted = workspace.tracked().paths.at(path)};
  const auto target = target_of(workspace.full(path), is_file(out.wanted.kind));
  const auto index = workspace.index(path);
  const auto* before = index ? &index->scan : nullptr;
  MILLRACE_TRY(auto now, scan(target, before));
  const auto unknown = unknown_files(now);
  MILLRACE_DO(hash_files(now, target, unknown));
  if (!exists(workspace.full(path))) {
    out.state = "missing";
    return out;
  }
  std::unordered_map<Digest, std::string, DigestHash> fresh;  // manifests of what is on disk and nowhere else
  const auto& objects = workspace.objects();
  const Manifests manifests{.keep = [&](const Digest& digest, std::string text) -> Result<void> {
                              if (!objects.has(digest)) fresh.emplace(digest, std::move(text));
                              return {};
                            },
                            .kept = [&](const Digest& digest) { return objects.has(digest); }};
  MILLRACE_TRY(out.found, fold(now, target, before, manifests));
  if (!unknown.empty()) {
    // What was added or checked out stays what it was; the stamps are new.
    Index learnt{.top = index ? index->top : out.found, .scan = std::move(now)};
    remember(workspace, path, learnt);
  }
  if (same(out.found, out.wanted)) return out;
  out.state = index && same(out.found, index->top) ? "outdated" : "modified";
  const Fetch fetch = [&](const Digest& digest) -> Result<std::string> {
    if (const auto found = fresh.find(digest); found != fresh.end()) return found->second;
    return objects.read(digest, kManifestBytes);
  };
  const auto compared = compare(&out.wanted, &out.found, fetch, [&](const Difference& each) -> Result<void> {
    ++out.count;
    if (out.differences.size() < most) out.differences.push_back(each);
    return {};
  });
  if (!compared && compared.error().code() != Code::not_found) return compared.error();
  out.unlisted = !compared.ok();
  return out;
}

}  // namespace millrace::versions
