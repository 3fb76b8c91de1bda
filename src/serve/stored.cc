#include "serve/stored.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/files.h"
#include "serve/data_plane.h"
#include "serve/prediction_log.h"

namespace millrace::serve {
namespace {

// read_parquet of every sealed file, or "" when there is none.
std::string sealed_source(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& path : list_segments(folder, ".parquet")) files.push_back(engine::quote_text(path));
  if (files.empty()) return "";
  return fmt::format("read_parquet([{}], union_by_name = true, filename = true)", fmt::join(files, ", "));
}

Result<std::unique_ptr<engine::Engine>> open_engine(engine::Engines& engines, const std::string& folder) {
  MILLRACE_TRY(auto session,
               engines.open({.threads = 1, .memory_bytes = int64_t{256} << 20, .readable = {absolute(folder)}}));
  MILLRACE_DO(session->lock_down());
  return session;
}

// A segment whose sealed file is there already is about to be removed; reading both would count twice.
std::vector<std::string> unsealed(const std::string& folder) {
  std::vector<std::string> out;
  for (const auto& path : list_segments(folder, ".log"))
    if (!exists(path.substr(0, path.size() - 4) + ".parquet")) out.push_back(path);
  return out;
}

Json tensors_of(const engine::Table& table, const std::vector<size_t>& rows, std::string_view prefix) {
  Json out = Json::array();
  for (size_t column = 0; column < table.columns(); ++column) {
    if (!table.name(column).starts_with(prefix)) continue;
    Json data = Json::array();
    for (const size_t row : rows) data.push_back(table.json(row, column));
    out.push_back({{"name", table.name(column).substr(prefix.size())}, {"data", std::move(data)}});
  }
  return out;
}

// The rows of one record, whose facts are the same in each.
Json record_of(const engine::Table& table, const std::vector<size_t>& rows, const std::string& id,
               const std::string& file) {
  Json out{{"id", id},
           {"inputs", tensors_of(table, rows, "in_")},
           {"outputs", tensors_of(table, rows, "out_")},
           {"duration_us", nullptr},  // of files that are older than the column, as the next
           {"flags", Json::array()},
           {"contract", ""},
           {"case", nullptr},
           {"sealed", file.substr(file.rfind('/') + 1)}};
  for (size_t column = 0; column < table.columns(); ++column) {
    const auto& name = table.name(column);
    if (name.starts_with("in_") || name.starts_with("out_") || name == "row" || name == "prediction_id") continue;
    auto value = table.json(rows[0], column);
    if (name == "flags" || name == "case") {
      const auto parsed =
          value.is_string() ? parse_json(value.get<std::string>(), name) : Result<Json>(Json(out[name]));
      if (!parsed) continue;
      value = *parsed;
      if (name == "case" && value.is_object()) value["id"] = case_id(id);
    }
    out[name] = std::move(value);
  }
  return out;
}

// Every record of one sealed file that is of this prediction: one an arm, a version and a release.
Result<void> add_records(engine::Engine& session, const std::string& file, const std::string& id,
                         std::vector<Json>& out) {
  MILLRACE_TRY(const auto table, session.query("SELECT * FROM read_parquet(" + engine::quote_text(file) +
                                                   ") WHERE prediction_id = ? ORDER BY \"row\"",
                                               {id}));
  std::map<std::string, std::vector<size_t>> records;
  for (size_t row = 0; row < table.rows(); ++row) {
    std::string key;
    for (size_t column = 0; column < table.columns(); ++column)
      for (const auto* part : {"arm", "release", "model", "version", "digest"})
        if (table.name(column) == part) key += to_text(table.json(row, column));
    records[key].push_back(row);
  }
  for (const auto& [key, rows] : records) out.push_back(record_of(table, rows, id, file));
  return {};
}

Result<std::vector<Json>> find_sealed(engine::Engines& engines, const std::string& folder, const std::string& id) {
  std::vector<Json> out;
  const auto source = sealed_source(folder);
  if (source.empty()) return out;
  MILLRACE_TRY(auto session, open_engine(engines, folder));
  MILLRACE_TRY(
      const auto files,
      session->query("SELECT DISTINCT filename FROM " + source + " WHERE prediction_id = ? ORDER BY filename", {id}));
  for (size_t row = 0; row < files.rows(); ++row) MILLRACE_DO(add_records(*session, files.text(row, 0), id, out));
  return out;
}

// What a shadow's record says beyond the record that it copies.
Json shadow_of(const Json& record) {
  Json out = Json::object();
  for (const auto* key : {"model", "version", "digest", "status", "outputs", "field", "rule", "duration_us"})
    if (const auto* value = find(record, key)) out[key] = *value;
  return out;
}

bool is_shadow(const Json& record) { return string_or(record, "arm", "") == kShadow; }

// A segment's arms that are shadows, learned as their descriptions pass by.
class Shadows {
 public:
  void learn(std::string_view description) {
    const auto json = parse_json(description, "arm");
    if (json && is_shadow(*json)) keys_.insert(ArmKey::of_description(description));
  }
  bool has(uint64_t key) const { return keys_.contains(key); }

 private:
  std::set<uint64_t> keys_;
};

}  // namespace

Result<Json> find_stored(engine::Engines& engines, const std::string& folder, const std::string& id) {
  MILLRACE_TRY(const auto open, find_in_segments(unsealed(folder), id));
  std::vector<Json> records;
  for (const auto& each : open) records.push_back(each.prediction.to_json(each.arm));
  // A shadow answers after the arm that it copies: with that one in an open segment, nothing is in sealed files.
  if (std::all_of(records.begin(), records.end(), is_shadow)) {
    MILLRACE_TRY(const auto sealed, find_sealed(engines, folder, id));
    records.insert(records.end(), sealed.begin(), sealed.end());
  }
  Json shadows = Json::array();
  for (const auto& record : records)
    if (is_shadow(record)) shadows.push_back(shadow_of(record));
  for (auto& record : records) {
    if (is_shadow(record)) continue;
    record["shadows"] = std::move(shadows);
    return std::move(record);
  }
  return Error{Code::not_found, fmt::format("there is no prediction '{}'", id)};
}

Result<Json> count_stored(engine::Engines& engines, const std::string& folder, const std::string& input) {
  int64_t count = 0;
  std::string first;
  const auto earlier = [&](const std::string& id) {
    if (!id.empty() && (first.empty() || id < first)) first = id;
  };
  for (const auto& path : unsealed(folder)) {
    Shadows shadows;
    auto scan = scan_segment(path, [&](RecordKind kind, std::string_view payload) -> Result<void> {
      if (kind == RecordKind::arm) shadows.learn(payload);
      if (kind != RecordKind::prediction || (!input.empty() && payload.find(input) == std::string_view::npos))
        return {};
      MILLRACE_TRY(const auto record, decode(payload));
      if (shadows.has(record.arm_key) || (!input.empty() && record.prediction.input != input)) return {};
      ++count;
      earlier(record.prediction.id);
      return {};
    });
    if (!scan && scan.error().code() != Code::not_found) return std::move(scan).error();
  }
  if (const auto source = sealed_source(folder); !source.empty()) {
    MILLRACE_TRY(auto session, open_engine(engines, folder));
    MILLRACE_TRY(const auto table,
                 session->query("SELECT count(*), coalesce(min(prediction_id), '') FROM " + source +
                                    " WHERE \"row\" = 0 AND arm <> 'shadow' AND (? = '' OR \"input\" = ?)",
                                {input, input}));
    count += table.integer(0, 0);
    earlier(table.text(0, 1));
  }
  return Json{{"count", count}, {"first", first}};
}

Result<Json> ids_stored(engine::Engines& engines, const std::string& folder, const std::string& input,
                        const std::string& after) {
  Json items = Json::array(), next = nullptr;
  const auto source = sealed_source(folder);
  if (source.empty()) return Json{{"items", std::move(items)}, {"next", next}};
  MILLRACE_TRY(auto session, open_engine(engines, folder));
  MILLRACE_TRY(
      const auto table,
      session->query(fmt::format("SELECT request_id, prediction_id FROM {} WHERE \"input\" = ? AND \"row\" = 0 "
                                 "AND arm <> 'shadow' AND prediction_id > ? ORDER BY prediction_id LIMIT {}",
                                 source, kIdsPage + 1),
                     {input, after}));
  const auto rows = std::min<size_t>(table.rows(), kIdsPage);
  for (size_t row = 0; row < rows; ++row)
    items.push_back({{"request_id", table.text(row, 0)}, {"prediction_id", table.text(row, 1)}});
  if (table.rows() > rows) next = items.back().at("prediction_id");
  return Json{{"items", std::move(items)}, {"next", std::move(next)}};
}

Result<Json> DataPlane::find_prediction(const std::string& id) const {
  const Error absent = Error{Code::not_found, fmt::format("there is no prediction '{}'", id.substr(0, 100))}.hint(
      "the id is millrace_prediction_id of an answer");
  if (options_.log_folder.empty() || id.size() != 36) return absent;
  for (const auto& place : places()) {
    auto found = find_stored(engines_, options_.log_folder + "/" + place->name, id);
    if (found || found.error().code() != Code::not_found) return found;
  }
  return absent;
}

Result<Json> DataPlane::count_predictions(const std::string& deployment, const std::string& input) const {
  for (const auto& place : places())
    if (place->name == deployment && place->log)
      return count_stored(engines_, options_.log_folder + "/" + deployment, input);
  return Error{Code::not_found, fmt::format("there is no prediction log of '{}'", deployment.substr(0, 100))};
}

Result<Json> DataPlane::prediction_ids(const std::string& deployment, const std::string& input,
                                       const std::string& after) {
  if (input.empty())
    return Error{Code::invalid, "the input is missing"}.at_field("input").hint(
        "give the digest of the file that the requests were made from");
  // A later page needs no more than was there for the first.
  if (after.empty()) MILLRACE_DO(seal(deployment));
  for (const auto& place : places())
    if (place->name == deployment && place->log)
      return ids_stored(engines_, options_.log_folder + "/" + deployment, input, after);
  return Error{Code::not_found, fmt::format("there is no prediction log of '{}'", deployment.substr(0, 100))};
}

Result<Json> DataPlane::seal(const std::string& deployment) {
  for (const auto& place : places()) {
    if (place->name != deployment || !place->log) continue;
    shadows_->settle();
    MILLRACE_DO(place->log->close_segment());
    const std::lock_guard one_at_a_time(seal_mutex_);
    MILLRACE_TRY(const auto report, seal_segments(place->log->closed_segments()));
    return Json{{"segments", report.segments}, {"rows", report.rows}, {"damaged", report.left}};
  }
  return Error{Code::not_found, fmt::format("there is no prediction log of '{}'", deployment.substr(0, 100))};
}

std::vector<std::shared_ptr<Place>> DataPlane::places() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Place>> out;
  for (const auto& [name, place] : places_) out.push_back(place);
  return out;
}

}  // namespace millrace::serve
