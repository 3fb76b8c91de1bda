// Registered models, their versions and aliases on their way out.
#pragma once
#include <functional>
#include <string>

#include "exchange/one_by_one.h"
#include "exchange/sinks/sink.h"
#include "exchange/sources/source.h"
#include "registry/registry.h"

namespace millrace::exchange {

// Used by one thread at a time. What it names must outlive it.
class RegisteredExport {
 public:
  struct With {
    registry::Registry& registry;
    const std::function<Result<Project>()>& project;
    Sink& sink;
    OneByOne& one_by_one;
    ImportReport& report;
    const Caller& caller;
    // Brings the files of a folder of this server's artifacts to their place in the sink.
    std::function<Result<void>(const std::string& uri)> copy_files;
  };
  explicit RegisteredExport(With with) : with_(std::move(with)) {}

  Result<void> write();
  Result<void> compare(Source& written);

 private:
  using Versions = std::vector<Version>;
  Result<Registered> read(const registry::RegisteredModel& model) const;
  Result<Versions> versions(const std::string& model) const;
  std::string located(const std::string& uri) const;
  Result<void> write_model(const registry::RegisteredModel& model);
  Result<void> write_version(Version version);
  Result<void> compare_model(Source& written, const registry::RegisteredModel& model);
  Result<void> compare_version(Source& written, const Version& version);

  With with_;
};

}  // namespace millrace::exchange
