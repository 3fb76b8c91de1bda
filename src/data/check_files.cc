// `millrace check`: from what was written on a command line to reports.
#include <stdlib.h>

#include <algorithm>

#include <fmt/format.h>

#include "core/files.h"
#include "data/check.h"
#include "data/inputs/locate.h"

namespace millrace::data {
namespace {

// Goes away with all that is in it.
struct Scratch {
  std::string path;
  ~Scratch() {
    if (!path.empty()) (void)remove_tree(path);
  }

  Result<void> make(const std::string& wanted) {
    const char* set = ::getenv("TMPDIR");
    std::string pattern = absolute(!wanted.empty()                  ? wanted
                                   : set != nullptr && *set != '\0' ? set
                                                                    : "/tmp") +
                          "/millrace-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr)
      return file_error("making a temporary folder in", parent_of(pattern), errno);
    path = pattern;
    MILLRACE_DO(make_folders(path + "/inputs"));
    return make_folders(path + "/spill");
  }
};

// The object that NAME=PLACE names. A path may hold an equals sign of its own: only objects' names count.
std::pair<std::string, std::string> split_object(const Contract& contract, const std::string& written) {
  const auto equals = written.find('=');
  if (equals == std::string::npos) return {"", written};
  const auto name = written.substr(0, equals);
  const bool known =
      std::any_of(contract.objects.begin(), contract.objects.end(), [&](const Object& o) { return o.name == name; });
  return known ? std::pair(name, written.substr(equals + 1)) : std::pair(std::string(), written);
}

class Files {
 public:
  Files(const FileCheck& check, const Contract& contract, const std::string& folder)
      : check_(check), contract_(contract), inputs_(folder), locator_(inputs_) {}

  Result<void> locate() {
    MILLRACE_TRY(auto reading, reading_of(contract_, check_.server));
    for (const auto& [name, value] : check_.reading) MILLRACE_DO(set_reading(reading, name, value));
    for (const auto& written : check_.data) {
      auto [name, place] = split_object(contract_, written);
      MILLRACE_TRY(const auto* object, object_of(name));
      MILLRACE_TRY(const auto paths, locator_.locate(place, reading));
      auto& files = objects_[object->name];
      files.insert(files.end(), paths.begin(), paths.end());
    }
    // References are other people's files: only what their own bytes say counts.
    for (const auto& [name, places] : check_.references)
      for (const auto& written : places) {
        MILLRACE_TRY(const auto paths, locator_.locate(written, Reading{}));
        auto& files = references_[name];
        files.insert(files.end(), paths.begin(), paths.end());
      }
    return {};
  }

  std::vector<std::string> readable() const {
    std::vector<std::string> out;
    for (const auto* map : {&objects_, &references_})
      for (const auto& [name, files] : *map) out.insert(out.end(), files.begin(), files.end());
    return out;
  }

  Result<std::vector<CheckReport>> run(engine::Engine& session) {
    std::vector<CheckReport> reports;
    for (const auto& object : contract_.objects) {
      const auto files = objects_.find(object.name);
      if (files == objects_.end()) continue;
      CheckRequest request{.contract = &contract_,
                           .object = object.name,
                           .files = files->second,
                           .references = references_,
                           .period_from = check_.period_from,
                           .period_to = check_.period_to,
                           .now = check_.now,
                           .profile_before = Json(),
                           .inputs = &inputs_};
      for (const auto& path : request.files) request.file_names.push_back(inputs_.label(path));
      for (const auto& [name, other] : objects_) request.references.emplace(name, other);
      if (!check_.out_folder.empty()) request.out_folder = absolute(check_.out_folder);
      MILLRACE_TRY(auto report, check_batch(session, request));
      reports.push_back(std::move(report));
    }
    MILLRACE_DO(inputs_.unchanged());
    return reports;
  }

  bool several() const { return objects_.size() > 1; }

  // An error of one of the files is not one of the words that named it: the data cannot be read.
  Error as_unreadable(Error error) const {
    const bool ours = !error.where().file.empty() && inputs_.is_label(error.where().file);
    if (!ours || (error.code() != Code::invalid && error.code() != Code::unsupported)) return error;
    Error out{Code::corrupt, error.message()};
    out.at(error.where()).hint(error.hint());
    for (const auto& doing : error.doing()) out.while_doing(doing);
    return out;
  }

 private:
  Result<const Object*> object_of(const std::string& name) const {
    const auto wanted = name.empty() ? check_.object : name;
    auto object = contract_.object(wanted);
    if (object || !wanted.empty()) return object;
    std::vector<std::string> names;
    for (const auto& each : contract_.objects) names.push_back(each.name);
    return std::move(object).error().hint(
        fmt::format("--data NAME=FILE for each, or --object NAME; it has {}", fmt::join(names, ", ")));
  }

  const FileCheck& check_;
  const Contract& contract_;
  Inputs inputs_;
  Locator locator_;
  std::map<std::string, std::vector<std::string>> objects_, references_;
};

}  // namespace

Result<std::vector<CheckReport>> check_files(engine::Engines& engines, const FileCheck& check) {
  MILLRACE_TRY(const auto contract, load_contract(check.contract));
  Scratch scratch;
  MILLRACE_DO(scratch.make(check.temp_folder));
  Files files(check, contract, scratch.path + "/inputs");
  const auto run = [&]() -> Result<std::vector<CheckReport>> {
    MILLRACE_DO(files.locate());
    engine::EngineOptions options{.threads = check.threads, .temp_folder = scratch.path + "/spill"};
    options.readable = files.readable();
    options.readable.push_back(scratch.path + "/inputs");
    if (!check.out_folder.empty()) {
      if (files.several())
        return Error{Code::invalid, "rows of several objects cannot go to one folder"}.hint(
            "check one object at a time");
      MILLRACE_DO(make_folders(absolute(check.out_folder)));
      options.writable = {absolute(check.out_folder)};
    }
    MILLRACE_TRY(const auto session, engines.open(options));
    MILLRACE_DO(session->lock_down());
    return files.run(*session);
  };
  auto reports = run();
  if (!reports) return files.as_unreadable(std::move(reports).error());
  return reports;
}

Json to_json(const std::vector<CheckReport>& reports) {
  if (reports.size() == 1) return reports[0].to_json();
  Json out{{"checks", Json::object()}, {"alerts", Json::array()}, {"objects", Json::object()}, {"verdict", "accepted"}};
  for (const char* count : {"rows", "accepted", "quarantined", "dropped"}) out[count] = 0;
  for (const auto& report : reports) {
    const auto one = report.to_json();
    for (const auto& [rule, found] : one["checks"].items()) out["checks"][report.object + "." + rule] = found;
    for (auto alert : one["alerts"]) {
      alert["rule"] = report.object + "." + string_or(alert, "rule", "");
      alert["object"] = report.object;
      out["alerts"].push_back(std::move(alert));
    }
    for (const char* count : {"rows", "accepted", "quarantined", "dropped"})
      out[count] = integer_or(out, count, 0) + integer_or(one, count, 0);
    if (report.verdict == "rejected" || (report.verdict == "quarantined" && out["verdict"] == "accepted"))
      out["verdict"] = report.verdict;
    out["engine"] = one["engine"];
    out["contract"] = one["contract"];
    out["objects"][report.object] = one;
  }
  std::stable_sort(out["alerts"].begin(), out["alerts"].end(),
                   [](const Json& a, const Json& b) { return a["score"].get<double>() > b["score"].get<double>(); });
  return out;
}

}  // namespace millrace::data
