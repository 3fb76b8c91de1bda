#include "cli/rows_file.h"

#include <charconv>

#include <fmt/format.h>

#include "api/client.h"
#include "cli/host.h"
#include "core/files.h"
#include "core/hash.h"

namespace millrace::cli {
namespace {

constexpr std::string_view kStage = "stage:";

std::string prefix_of(const std::string& digest) { return digest.substr(7, 12) + ":"; }

}  // namespace

std::string RowsFile::request_id(size_t row) const { return prefix_of(digest) + std::to_string(row); }

int64_t row_of(const RowsFile& file, std::string_view request_id) {
  const auto prefix = prefix_of(file.digest);
  if (!request_id.starts_with(prefix)) return -1;
  int64_t row = -1;
  const char* end = request_id.data() + request_id.size();
  const auto read = std::from_chars(request_id.data() + prefix.size(), end, row);
  const bool whole = read.ec == std::errc() && read.ptr == end;
  return whole && row >= 0 && row < static_cast<int64_t>(file.rows.rows()) ? row : -1;
}

Result<RowsFile> load_rows(Invocation& in, Gateway* gateway, const std::string& word) {
  RowsFile out{.path = word};
  if (word.starts_with(kStage)) {
    MILLRACE_TRY(const auto found, gateway->call("GET", address({"pipeline", "outs"}) +
                                                            "?path=" + api::encode_path(word.substr(kStage.size()))));
    out.path = string_or(found, "file", "");
  }
  out.path = absolute(out.path);
  MILLRACE_TRY(out.digest, digest_of_file(out.path));
  MILLRACE_TRY(auto session, in.host.engines().open({.temp_folder = parent_of(out.path), .readable = {out.path}}));
  MILLRACE_TRY(out.rows, session->query("SELECT * FROM read_parquet(" + engine::quote_text(out.path) + ")"));
  return out;
}

}  // namespace millrace::cli
