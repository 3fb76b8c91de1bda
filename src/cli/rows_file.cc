#include "cli/rows_file.h"

#include <fmt/format.h>

#include "api/client.h"
#include "core/files.h"
#include "core/hash.h"

namespace millrace::cli {
namespace {

constexpr std::string_view kStage = "stage:";
constexpr size_t kAlgorithm = 7;  // of "sha256:"

}  // namespace

std::string RowsFile::request_id(int64_t row) const { return fmt::format("{}:{}", digest.substr(kAlgorithm, 12), row); }

bool is_stage_file(const std::string& word) { return word.starts_with(kStage); }

Result<RowsFile> find_rows_file(Gateway* gateway, const std::string& word) {
  RowsFile out{.path = word};
  if (is_stage_file(word)) {
    MILLRACE_TRY(const auto known, gateway->call("GET", address({"pipeline", "outs"}) +
                                                            "?path=" + api::encode_path(word.substr(kStage.size()))));
    out.path = string_or(known, "file", "");
  }
  out.path = absolute(out.path);
  MILLRACE_TRY(out.digest, digest_of_file(out.path));
  return out;
}

}  // namespace millrace::cli
