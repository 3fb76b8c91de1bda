// A folder with tracked paths: ROOT/millrace-data.yaml says what is tracked and in which version, one line a path, to
// be committed beside the code; ROOT/.millrace/versions holds the objects, the names and what is remembered of the
// files.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/context.h"
#include "core/files.h"
#include "versions/objects/descriptor.h"
#include "versions/objects/objects.h"
#include "versions/work/index.h"

namespace millrace::versions {

inline constexpr std::string_view kTrackedFile = "millrace-data.yaml";

// By path relative to the root.
using TrackedPaths = std::map<std::string, Entry>;

struct Tracked {
  std::string remote;  // where push and pull go; "" = not said yet
  TrackedPaths paths;
};
Result<Tracked> read_tracked(std::string_view text, const std::string& file);
std::string write_tracked(const Tracked& tracked);

// As a snapshot keeps it.
Json to_json(const TrackedPaths& paths);
Result<TrackedPaths> read_tracked_json(const Json& paths, const std::string& from);

struct Place {
  std::string root;      // absolute
  std::string versions;  // folder of the objects, names and indexes
};
// The nearest folder upwards with a millrace-data.yaml, a millrace.yaml or a .millrace folder; else the top of the git
// work tree, else `start` itself. `state` overrides where the state folder is.
Place find_place(const std::string& start, const std::string& state);

// Held by whoever changes objects, names or tracked files: `conflict` says who.
Result<LockFile> lock_for_change(const Place& place, const std::string& what);
// Held shared by readers that must not lose objects meanwhile (push, sql), alone by the collection of garbage.
enum class Sharing { together, alone };
Result<Descriptor> lock_objects(const Place& place, Sharing sharing);

// Not thread-safe.
class Workspace {
 public:
  // Makes ROOT/.millrace/versions when it is missing.
  static Result<Workspace> open(const Place& place, Context& context);

  const Place& place() const { return place_; }
  Context& context() const { return *context_; }
  Objects& objects() { return objects_; }
  const Objects& objects() const { return objects_; }
  const Tracked& tracked() const { return tracked_; }
  Fetch fetch() const;  // manifests

  // A path as the user gave it, relative to `from`: made relative to the root. `invalid` outside of it, or within the
  // state folder or .git.
  Result<std::string> relative(const std::string& path, const std::string& from) const;
  std::string full(const std::string& path) const { return place_.root + "/" + path; }
  // The tracked path that is `path`; `not_found` with "did you mean".
  Result<std::string> tracked_path(const std::string& path) const;

  // Written to millrace-data.yaml and, where there is a git work tree, to the .gitignore beside each path.
  Result<void> track(const TrackedPaths& paths);
  Result<void> replace_tracked(const TrackedPaths& paths);  // all of them
  Result<void> set_remote(const std::string& remote);

  std::string index_file(const std::string& path) const;
  std::optional<Index> index(const std::string& path) const { return read_index(index_file(path)); }

 private:
  Workspace(Place place, Context& context, Objects objects)
      : place_(std::move(place)), context_(&context), objects_(std::move(objects)) {}
  Result<void> save();
  Result<void> ignore(const std::string& path) const;

  Place place_;
  Context* context_;
  Objects objects_;
  Tracked tracked_;
};

}  // namespace millrace::versions
