#include "serve/cases/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "core/files.h"
#include "serve/data_plane.h"
#include "serve/prediction_log.h"
#include "serve/stored.h"

namespace millrace::serve {
namespace {

LoggedCase logged(const Arm& arm, const Prediction& it) {
  return {.prediction_id = it.id,
          .event_time = it.event_time,
          .held = *it.held,
          .deployment = arm.deployment,
          .workspace = arm.workspace,
          .release = arm.release_node(),
          .arm = arm.name,
          .model = arm.model,
          .version = arm.version};
}

// A piece of a file; not_found when it is gone.
Result<std::string> read_piece(const std::string& path, uint64_t from, uint64_t to) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return file_error("cannot read the prediction log", path, errno);
  const off_t size = ::lseek(file, 0, SEEK_END);
  const uint64_t end = std::min<uint64_t>(to, size < 0 ? 0 : static_cast<uint64_t>(size));
  std::string out(end > from ? end - from : 0, '\0');
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::pread(file, out.data() + done, out.size() - done, static_cast<off_t>(from + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<size_t>(got);
  }
  ::close(file);
  if (done < out.size()) return file_error("cannot read the prediction log", path, errno);
  return out;
}

Result<void> see(std::string_view payload, const std::map<uint64_t, Arm>& arms, const OnCase& on_case) {
  MILLRACE_TRY(const auto decoded, decode(payload));
  const auto arm = arms.find(decoded.arm_key);
  if (arm == arms.end()) return Error{Code::corrupt, "a prediction names an arm that its segment does not describe"};
  return on_case(logged(arm->second, decoded.prediction));
}

// Bytes from the offset on are new; those before it are read for the arms that they describe, where nobody has yet.
Result<void> read_segment(const std::string& path, uint64_t end, CaseReading& from, const OnCase& on_case) {
  const uint64_t known = from.arms.empty() ? 0 : from.offset;
  MILLRACE_TRY(auto bytes, read_piece(path, known, end));
  if (bytes.empty()) return {};
  const uint64_t skipped = known == 0 ? 0 : known - kSegmentMagic.size();
  if (known > 0) bytes.insert(0, kSegmentMagic);
  std::optional<Error> error;
  const auto scan = scan_records(bytes, [&](RecordKind kind, std::string_view payload) {
    Result<void> done;
    if (kind == RecordKind::arm) {
      const auto json = parse_json(payload, path);
      auto arm = json ? Arm::of_json(*json) : Result<Arm>(json.error());
      if (arm)
        from.arms[ArmKey::of_description(payload)] = std::move(*arm);
      else
        done = std::move(arm).error();
    }
    const auto at = skipped + static_cast<uint64_t>(payload.data() - bytes.data());
    if (kind == RecordKind::prediction && at >= from.offset && has_case(payload)) {
      done = see(payload, from.arms, on_case);
      if (done) from.offset = at + payload.size();
    }
    if (!done) error = std::move(done).error();
    return !error;
  });
  if (error) return std::move(*error).at({.file = path});
  from.offset = skipped + (scan.end == SegmentScan::End::damaged ? bytes.size() : scan.good_bytes);
  return {};
}

Result<void> read_sealed(engine::Engines& engines, const std::string& folder, const std::string& path,
                         const OnCase& on_case) {
  MILLRACE_TRY(auto session,
               engines.open({.threads = 1, .memory_bytes = int64_t{256} << 20, .readable = {absolute(folder)}}));
  MILLRACE_DO(session->lock_down());
  const auto source = fmt::format("read_parquet({})", engine::quote_text(path));
  MILLRACE_TRY(const auto shape, session->query("DESCRIBE SELECT * FROM " + source));
  bool cased = false;  // files that are older than cases have none
  for (size_t row = 0; row < shape.rows(); ++row) cased |= shape.text(row, 0) == "case";
  if (!cased) return {};
  MILLRACE_TRY(const auto table,
               session->query("SELECT prediction_id, event_time, \"case\", deployment, workspace, \"release\", arm, "
                              "model, version FROM " +
                              source + " WHERE \"row\" = 0 AND \"case\" IS NOT NULL ORDER BY prediction_id"));
  for (size_t row = 0; row < table.rows(); ++row) {
    MILLRACE_TRY(const auto json, parse_json(table.text(row, 2), path));
    MILLRACE_TRY(auto held, case_of_json(json));
    LoggedCase out{.prediction_id = table.text(row, 0),
                   .event_time = table.integer(row, 1),
                   .held = std::move(held),
                   .deployment = table.text(row, 3),
                   .workspace = table.text(row, 4),
                   .release = table.text(row, 5),
                   .arm = table.text(row, 6),
                   .model = table.text(row, 7),
                   .version = table.integer(row, 8)};
    MILLRACE_DO(on_case(out));
  }
  return {};
}

uint64_t number_of(const std::string& path) {
  return std::strtoull(std::filesystem::path(path).stem().c_str(), nullptr, 10);
}

}  // namespace

Json CaseReading::to_json() const { return {{"segment", segment}, {"offset", offset}}; }

Result<CaseReading> CaseReading::of_json(const Json& json) {
  const auto segment = integer_or(json, "segment", -1), offset = integer_or(json, "offset", -1);
  if (segment < 0 || offset < 0) return Error{Code::corrupt, "how far cases were read is not as it was written"};
  CaseReading out;
  out.segment = static_cast<uint64_t>(segment);
  out.offset = static_cast<uint64_t>(offset);
  return out;
}

Result<void> read_cases(engine::Engines& engines, const std::string& folder, const std::function<LogState()>& state,
                        CaseReading& from, const OnCase& on_case) {
  std::set<uint64_t> numbers;
  for (const auto* suffix : {".log", ".parquet"})
    for (const auto& path : list_segments(folder, suffix))
      if (const auto number = number_of(path); number >= from.segment) numbers.insert(number);
  // Listed before asking which one is open: one that begins in between is then not in the list.
  const auto now = state();
  for (const uint64_t number : numbers) {
    const auto path = fmt::format("{}/{:012}", folder, number);
    if (number != from.segment) from = {.segment = number, .offset = 0, .arms = {}};
    const bool open = path + ".log" == now.open_segment;
    auto read =
        read_segment(path + ".log", open ? now.open_bytes : std::numeric_limits<uint64_t>::max(), from, on_case);
    if (!read && read.error().code() == Code::not_found) {
      // Sealed, if not empty.
      const auto sealed = path + ".parquet";
      read = exists(sealed) ? read_sealed(engines, folder, sealed, on_case) : Result<void>{};
    }
    if (!read) return read;
    if (!open) from = {.segment = number + 1, .offset = 0, .arms = {}};
  }
  return {};
}

std::vector<std::string> DataPlane::logged() const {
  std::vector<std::string> out;
  for (const auto& place : places())
    if (place->log) out.push_back(place->name);
  return out;
}

Result<void> DataPlane::read_cases(CaseReading& from, const std::string& deployment, const OnCase& on_case) const {
  for (const auto& place : places()) {
    if (place->name != deployment || !place->log) continue;
    return serve::read_cases(
        engines_, options_.log_folder + "/" + deployment, [&] { return place->log->state(); }, from, on_case);
  }
  return {};
}

}  // namespace millrace::serve
