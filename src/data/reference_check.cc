#include "data/reference_check.h"

#include "core/files.h"
#include "data/compare/compare.h"

namespace millrace::data {
namespace {

Result<std::vector<InputFile>> inspect_all(engine::Engine& session, const std::vector<std::string>& files) {
  std::vector<InputFile> out;
  for (const auto& file : files) {
    MILLRACE_TRY(auto inspected, inspect_file(session, file, file));
    out.push_back(std::move(inspected));
  }
  return out;
}

std::vector<std::string> masked_columns(const std::string& contract, const std::string& object) {
  std::vector<std::string> out;
  const auto read = load_contract(contract);
  if (!read) return out;
  const auto found = read->object(object);
  if (!found) return out;
  for (const auto& property : (*found)->properties)
    if (property.is_masked()) out.push_back(property.source_name);
  return out;
}

}  // namespace

Result<ReferenceFindings> check_by_reference(engine::Engines& engines, const ReferenceCheck& check) {
  ReferenceFindings out{.findings = {{"checks", Json::object()}, {"alerts", Json::array()}}};
  compare::CompareRequest request;
  if (!check.batch.contract.empty()) {
    // The reference's profile is what distributions of the contract are compared with, on its edges.
    FileCheck good = check.batch;
    good.files = check.reference, good.out_folder.clear();
    MILLRACE_TRY(const auto before, check_files(engines, good));
    FileCheck batch = check.batch;
    batch.profile_before = before.profile.to_json();
    batch.history = {{.profile = batch.profile_before}};
    MILLRACE_TRY(const auto report, check_files(engines, batch));
    out.findings = report.to_json();
    out.passed = report.passed();
    request.masked = masked_columns(check.batch.contract, check.batch.object);
  }
  engine::EngineOptions options{.threads = check.batch.threads, .temp_folder = check.batch.temp_folder};
  std::vector<std::string> reference, batch;
  for (const auto& file : check.reference) reference.push_back(absolute(file));
  for (const auto& file : check.batch.files) batch.push_back(absolute(file));
  options.readable = reference;
  options.readable.insert(options.readable.end(), batch.begin(), batch.end());
  MILLRACE_TRY(const auto session, engines.open(options));
  MILLRACE_DO(session->lock_down());
  MILLRACE_TRY(request.reference, inspect_all(*session, reference));
  MILLRACE_TRY(request.batch, inspect_all(*session, batch));
  MILLRACE_TRY(const auto found, compare::compare_files(*session, request));
  found.add_to(out.findings);
  if (check.batch.contract.empty()) {
    out.findings["rows"] = found.rows;
    out.findings["verdict"] = found.alerts.empty() ? "accepted" : "suspect";
  }
  out.passed = out.passed && found.alerts.empty();
  return out;
}

}  // namespace millrace::data
