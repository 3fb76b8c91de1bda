#include "pipeline/compare.h"

#include <algorithm>
#include <fstream>
#include <vector>

#include <fmt/format.h>

#include "core/files.h"
#include "core/hash.h"

namespace millrace::pipeline {
namespace {

constexpr size_t kChunk = 1 << 20;

// The shorter file's length where one is the beginning of the other.
Result<int64_t> first_difference(const std::string& a, const std::string& b) {
  std::ifstream left(a, std::ios::binary), right(b, std::ios::binary);
  if (!left) return file_error("cannot open", a, errno);
  if (!right) return file_error("cannot open", b, errno);
  std::vector<char> x(kChunk), y(kChunk);
  for (int64_t offset = 0;;) {
    left.read(x.data(), kChunk);
    right.read(y.data(), kChunk);
    const auto both = std::min(left.gcount(), right.gcount());
    const auto at = std::mismatch(x.begin(), x.begin() + both, y.begin()).first - x.begin();
    if (at < both || left.gcount() != right.gcount()) return offset + at;
    if (both == 0) return int64_t{-1};
    offset += both;
  }
}

}  // namespace

Result<OutComparison> compare_out(const store::Blobs& blobs, const Out& recorded, const MadeFile& made) {
  OutComparison out{
      .path = recorded.path, .recorded = recorded.digest, .recorded_size = recorded.size, .repeated_size = made.size};
  MILLRACE_DO(blobs.verify(recorded.digest));
  MILLRACE_TRY(out.repeated, digest_of_file(made.file));
  out.same = out.repeated == out.recorded;
  if (out.same) return out;
  MILLRACE_TRY(const auto stored, blobs.path_of(recorded.digest));
  MILLRACE_TRY(out.first_difference, first_difference(stored, made.file));
  return out;
}

Json VerifyReport::to_json() const {
  Json compared = Json::array(), changed = Json::array();
  for (const auto& item : outs)
    compared.push_back({{"path", item.path},
                        {"same", item.same},
                        {"recorded", item.recorded},
                        {"repeated", item.repeated},
                        {"recorded_size", item.recorded_size},
                        {"repeated_size", item.repeated_size},
                        {"first_difference", item.first_difference < 0 ? Json() : Json(item.first_difference)}});
  for (const auto& reason : environment)
    changed.push_back(
        {{"component", reason.component}, {"before", reason.before}, {"after", reason.after}, {"text", reason.text}});
  return {{"stage", stage}, {"key", key}, {"node", node}, {"same", same}, {"outs", compared}, {"environment", changed}};
}

std::string VerifyReport::text() const {
  std::string out = fmt::format("{} {}\n", node, same ? "gives the same bytes" : "gives other bytes");
  for (const auto& item : outs) {
    if (item.same)
      out += fmt::format("  {}: the same {} bytes, {}\n", item.path, item.recorded_size, item.recorded);
    else
      out += fmt::format("  {}: differs from byte {} on; recorded {} bytes {}, repeated {} bytes {}\n", item.path,
                         item.first_difference, item.recorded_size, item.recorded, item.repeated_size, item.repeated);
  }
  for (const auto& reason : environment) out += fmt::format("  not as recorded: {}\n", reason.text);
  return out;
}

}  // namespace millrace::pipeline
