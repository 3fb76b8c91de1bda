// `millrace check`: from what was written on a command line to reports.
#include <algorithm>

#include <fmt/format.h>

#include "core/files.h"
#include "data/check.h"
#include "data/compare/compare.h"
#include "data/contracts/contract_write.h"
#include "data/infer/infer.h"
#include "data/inputs/locate.h"
#include "data/inputs/scratch.h"
#include "data/rows/row_check.h"

namespace millrace::data {
namespace {

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
  Files(const FileCheck& check, const std::string& folder) : check_(check), inputs_(folder), locator_(inputs_) {}

  // Without a contract the reference says what the data is.
  Result<void> read_contract(engine::Engines& engines) {
    if (!check_.contract.empty()) {
      MILLRACE_TRY(contract_, load_contract(check_.contract));
      return {};
    }
    MILLRACE_TRY(const auto reading, chosen_reading(Reading{}));
    for (const auto& written : check_.reference) {
      MILLRACE_TRY(const auto paths, locator_.locate(written, reading));
      known_good_[kNoContract].insert(known_good_[kNoContract].end(), paths.begin(), paths.end());
    }
    MILLRACE_TRY(contract_, propose(engines));
    return {};
  }

  Result<void> locate() {
    MILLRACE_TRY(auto reading, reading_of(contract_, check_.server));
    MILLRACE_TRY(reading, chosen_reading(std::move(reading)));
    for (const auto& written : check_.data) {
      auto [name, place] = split_object(contract_, written);
      MILLRACE_TRY(const auto* object, object_of(name));
      if (place == "-") {
        MILLRACE_DO(take_stream(*object, reading));
        continue;
      }
      MILLRACE_TRY(const auto paths, locator_.locate(place, reading));
      auto& files = objects_[object->name];
      files.insert(files.end(), paths.begin(), paths.end());
    }
    for (const auto& written : check_.contract.empty() ? std::vector<std::string>{} : check_.reference) {
      auto [name, place] = split_object(contract_, written);
      MILLRACE_TRY(const auto* object, object_of(name));
      MILLRACE_TRY(const auto paths, locator_.locate(place, reading));
      auto& files = known_good_[object->name];
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
    for (const auto* map : {&objects_, &references_, &known_good_})
      for (const auto& [name, files] : *map) out.insert(out.end(), files.begin(), files.end());
    return out;
  }

  // `parser` reads SQL that people wrote; nullptr: `session` does.
  Result<std::vector<CheckReport>> run(engine::Engine& session, engine::Engine* parser) {
    parser_ = parser;
    std::vector<CheckReport> reports;
    for (const auto& object : contract_.objects) {
      const auto files = objects_.find(object.name);
      if (files == objects_.end() && object.name != stream_object_) continue;
      MILLRACE_TRY(auto report, object.name == stream_object_ ? judge_stream(session, object)
                                                              : judge(session, object, files->second));
      reports.push_back(std::move(report));
    }
    MILLRACE_DO(inputs_.unchanged());
    return reports;
  }

  const Contract& contract() const { return contract_; }
  bool several() const { return objects_.size() > 1; }
  bool has_stream() const { return !stream_object_.empty(); }

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
  static constexpr const char* kNoContract = "data";  // the object that a proposed contract has

  Result<Reading> chosen_reading(Reading reading) const {
    for (const auto& [name, value] : check_.reading) MILLRACE_DO(set_reading(reading, name, value));
    return reading;
  }

  Result<void> take_stream(const Object& object, const Reading& reading) {
    if (!check_.row_by_row || check_.standard_input == nullptr)
      return Error{Code::unsupported, "standard input ('-') is read row by row only"}.hint(
          "add --engine row, or name a file; a file that is called '-' is ./-");
    if (has_stream()) return Error{Code::invalid, "standard input ('-') can be the data of one object, once"};
    stream_object_ = object.name;
    stream_ = {.bytes = check_.standard_input, .reading = reading};
    inputs_.tell({.path = "-", .label = stream_.label});
    return {};
  }

  Result<CheckReport> judge_stream(engine::Engine& session, const Object& object) {
    if (objects_.contains(object.name))
      return Error{Code::invalid, fmt::format("the rows of '{}' come from standard input or from files", object.name)}
          .hint("check them one after the other");
    return check_rows(session, request_of(object, {}), &stream_);
  }

  CheckRequest request_of(const Object& object, const std::vector<std::string>& files) {
    CheckRequest request{.contract = &contract_,
                         .parser = parser_,
                         .object = object.name,
                         .files = files,
                         .references = references_,
                         .period_from = check_.period_from,
                         .period_to = check_.period_to,
                         .now = check_.now,
                         .profile_before = Json(),
                         .profile = check_.profile,
                         .inputs = &inputs_};
    for (const auto& path : files) request.file_names.push_back(inputs_.label(path));
    for (const auto& [name, other] : objects_) request.references.emplace(name, other);
    return request;
  }

  Result<CheckReport> judge(engine::Engine& session, const Object& object, const std::vector<std::string>& files) {
    auto request = request_of(object, files);
    if (!check_.out_folder.empty()) request.out_folder = absolute(check_.out_folder);
    if (check_.row_by_row) return check_rows(session, request);
    const auto good = known_good_.find(object.name);
    if (good == known_good_.end()) return check_batch(session, request);
    // Distributions of the contract are compared with the profile of what is known to be good, on its edges.
    MILLRACE_TRY(const auto before, check_batch(session, request_of(object, good->second)));
    request.profile_before = before.profile.to_json();
    request.history = {{.profile = std::make_shared<const Json>(request.profile_before)}};
    MILLRACE_TRY(auto report, check_batch(session, request));
    compare::CompareRequest comparison;
    MILLRACE_TRY(comparison.reference, inspect(session, good->second));
    MILLRACE_TRY(comparison.batch, inspect(session, files));
    for (const auto& property : object.properties)
      if (property.is_masked()) comparison.masked.push_back(property.source_name);
    if (check_.contract.empty()) {
      // A proposal is no promise: its rules are told and decide nothing.
      for (auto& finding : report.findings) finding.decides = false;
      report.contract_id.clear();
    }
    MILLRACE_TRY(const auto found, compare::compare_files(session, comparison));
    if (report.rows == 0) report.rows = found.rows;
    for (auto& finding : found.findings()) {
      while (find_finding(report, finding.rule.id)) finding.rule.id += "-compared";
      report.findings.push_back(std::move(finding));
    }
    if (check_.contract.empty()) report.verdict = report.passed() ? "accepted" : "suspect", report.reason.clear();
    return report;
  }

  static bool find_finding(const CheckReport& report, const std::string& id) {
    return std::any_of(report.findings.begin(), report.findings.end(),
                       [&](const Finding& f) { return f.rule.id == id; });
  }

  Result<std::vector<InputFile>> inspect(engine::Engine& session, const std::vector<std::string>& files) {
    std::vector<InputFile> out;
    for (const auto& path : files) {
      MILLRACE_TRY(auto file, inspect_file(session, path, inputs_.label(path), &inputs_));
      out.push_back(std::move(file));
    }
    return out;
  }

  Result<Contract> propose(engine::Engines& engines) {
    const auto& files = known_good_[kNoContract];
    engine::EngineOptions options{.threads = check_.threads, .readable = files};
    options.readable.push_back(inputs_.folder());
    MILLRACE_TRY(const auto session, engines.open(options));
    MILLRACE_DO(session->lock_down());
    MILLRACE_TRY(const auto inspected, inspect(*session, files));
    std::vector<std::string> readable;
    InferOptions infer{.name = kNoContract};
    for (const auto& file : inspected) readable.push_back(file.path), infer.file_names.push_back(file.label);
    MILLRACE_TRY(const auto document, infer_contract(*session, readable, infer));
    return parse_contract(write_contract(document), "the contract proposed from the reference");
  }

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
  engine::Engine* parser_ = nullptr;
  Contract contract_;
  Inputs inputs_;
  Locator locator_;
  std::map<std::string, std::vector<std::string>> objects_, references_, known_good_;
  std::string stream_object_;  // whose rows come from standard input; "" = none's
  RowStream stream_;
};

}  // namespace

Result<std::vector<CheckReport>> check_files(engine::Engines& engines, const FileCheck& check) {
  if (check.contract.empty() && check.reference.empty())
    return Error{Code::invalid, "there is nothing to judge the data by"}.hint(
        "name a contract (--contract FILE), data that is known to be good (--reference FILE), or both");
  if ((check.computed_by != nullptr || check.row_by_row) && !check.reference.empty())
    return Error{Code::unsupported, "a comparison with --reference runs on duckdb"}.hint("leave --engine out");
  CheckScratch scratch;
  MILLRACE_DO(scratch.make(check.temp_folder));
  Files files(check, scratch.inputs());
  const auto run = [&]() -> Result<std::vector<CheckReport>> {
    MILLRACE_DO(files.read_contract(engines));
    MILLRACE_DO(files.locate());
    engine::EngineOptions options{.threads = check.threads, .temp_folder = scratch.spill()};
    options.readable = files.readable();
    options.readable.push_back(scratch.inputs());
    if (!check.out_folder.empty()) {
      if (files.several())
        return Error{Code::invalid, "rows of several objects cannot go to one folder"}.hint(
            "check one object at a time");
      MILLRACE_DO(make_folders(absolute(check.out_folder)));
      options.writable = {absolute(check.out_folder)};
    }
    MILLRACE_TRY(const auto session, engines.open(options));
    MILLRACE_DO(session->lock_down());
    if (check.computed_by == nullptr) return files.run(*session, nullptr);
    // No SQL that a user wrote reaches that engine: it gets conditions in the plan's own words.
    MILLRACE_TRY(const auto other, check.computed_by->open(options));
    return files.run(*other, session.get());
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
