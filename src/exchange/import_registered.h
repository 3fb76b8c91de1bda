// Registered models, their versions, stages and aliases on their way in. After the runs and logged models: a version
// stands on them, and freezes them.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "exchange/import.h"
#include "exchange/one_by_one.h"
#include "exchange/progress.h"
#include "exchange/sources/source.h"

namespace millrace::exchange {

// Used by one thread at a time. What it names must outlive it.
class RegisteredImport {
 public:
  struct With {
    const ImportParts& parts;
    const ImportOptions& options;
    Source& source;
    const Progress& progress;
    OneByOne& one_by_one;
    ImportReport& report;
    const Caller& caller;
  };
  explicit RegisteredImport(const With& with) : with_(with) {}

  // Models and versions first, then what points at them. Moves of stages and aliases go through the registry as any
  // caller's: a protected one becomes a request and is refused until that has its approvals.
  Result<void> take();
  Result<void> compare();

 private:
  using Numbers = std::map<int64_t, Version>;
  Result<void> take_model(const std::string& name);
  Result<void> take_new_model(const Registered& model, const Step& step);
  Result<void> merge_model(const Registered& model, const registry::RegisteredModel& here, const Step& step);
  Result<void> take_versions();
  bool is_pending(const std::string& source) const;
  Result<void> take_version(const Version& version);
  Result<void> update_version(const Version& version, const Version& here, const Step& step);
  Result<void> check_stands(const VersionPlace& place) const;
  Result<registry::ImportedVersion> imported(const Version& version, const VersionPlace& place) const;
  Result<void> take_stage(const Version& version);
  Result<void> take_alias(const Registered& model, const std::string& alias, int64_t number);
  Result<void> compare_model(const Registered& model);
  Result<void> compare_versions(const Registered& model);

  Result<Registered> read(const std::string& name) const;
  Result<std::optional<Registered>> readable(const std::string& name) const;  // nothing: it was refused
  Result<Version> read(const std::string& model, int64_t number) const;
  Result<Numbers> versions_here(const std::string& model) const;
  Result<std::optional<Version>> version_here(const std::string& model, int64_t number) const;
  Result<void> note(const std::string& kind, const std::string& id, const Step& step) const;
  Result<bool> is_done(const std::string& kind, const std::string& id) const;

  With with_;
  std::vector<std::string> names_;
  std::set<std::string> pending_;  // versions that are still to come
};

}  // namespace millrace::exchange
