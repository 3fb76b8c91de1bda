#include "cli/rows_file.h"

#include <charconv>

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

int64_t RowsFile::row_of(std::string_view id, size_t rows) const {
  const auto first = request_id(0);
  const auto prefix = std::string_view(first).substr(0, first.size() - 1);
  if (!id.starts_with(prefix)) return -1;
  int64_t row = -1;
  const char* end = id.data() + id.size();
  const auto read = std::from_chars(id.data() + prefix.size(), end, row);
  const bool whole = read.ec == std::errc() && read.ptr == end;
  return whole && row >= 0 && row < static_cast<int64_t>(rows) ? row : -1;
}

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
