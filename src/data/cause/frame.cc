#include "data/cause/frame.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <unordered_map>

#include <fmt/format.h>

#include "core/limits.h"
#include "data/contracts/contract.h"
#include "data/samples/value_codes.h"
#include "engine/parquet.h"

namespace millrace::data::cause {
namespace {

using engine::quote_name;
using engine::quote_text;

constexpr int64_t kDay = 86'400'000'000;
constexpr size_t kRowsOfADated = 8;  // fewer rows a day say nothing about dates
constexpr double kDatedDays = 0.95;

struct File {
  std::string path;
  std::set<std::string> columns;
  bool typed = true;  // accepted rows; those set aside hold values as they came
};

struct Wanted {
  std::string name;
  bool number = false;
};

bool is_numeric_type(const std::string& type) { return type == "integer" || type == "number"; }

std::string value_sql(const File& file, const Wanted& column) {
  if (!file.columns.contains(column.name)) return fmt::format("NULL::{}", column.number ? "DOUBLE" : "VARCHAR");
  return column.number ? fmt::format("TRY_CAST({} AS DOUBLE)", quote_name(column.name))
                       : fmt::format("TRY_CAST({} AS VARCHAR)", quote_name(column.name));
}

std::string select_of(const File& file, size_t batch, const std::vector<Wanted>& columns, const std::string& event_time,
                      int64_t step) {
  const bool timed = !event_time.empty() && file.columns.contains(event_time);
  std::string sql =
      fmt::format("SELECT {} AS millrace_batch, {} AS millrace_at", batch,
                  timed ? fmt::format("epoch_us(TRY_CAST({} AS TIMESTAMP))", quote_name(event_time)) : "NULL::BIGINT");
  for (size_t c = 0; c < columns.size(); ++c) sql += fmt::format(", {} AS c{}", value_sql(file, columns[c]), c);
  sql += fmt::format(" FROM read_parquet({}, file_row_number = true)", quote_text(file.path));
  if (step > 1) sql += fmt::format(" WHERE file_row_number % {} = 0", step);
  return sql;
}

Result<File> file_of(const store::Blobs& blobs, const std::string& digest, bool typed) {
  File out{.typed = typed};
  MILLRACE_TRY(out.path, blobs.path_of(digest));
  MILLRACE_TRY(const auto info, engine::read_parquet_info(out.path));
  out.columns.insert(info.columns.begin(), info.columns.end());
  return out;
}

// Columns whose values the contract calls anything but public.
std::set<std::string> masked_columns(const store::Blobs& blobs, const DatasetVersion& version) {
  std::set<std::string> out;
  const auto text = blobs.get(version.contract_file, limits::yaml_bytes);
  if (!text) return out;
  const auto contract = parse_contract(*text, "contract");
  if (!contract) return out;
  for (const auto& object : contract->objects)
    for (const auto& property : object.properties)
      if (property.is_masked()) out.insert(property.name);
  return out;
}

void fill(Frame& frame, const engine::Table& table, const std::vector<Wanted>& columns, bool timed) {
  const size_t rows = table.rows();
  frame.batch.resize(rows);
  frame.day.resize(rows);
  FrameColumn clock{.number = true, .clock = true};
  if (timed) clock.numbers.resize(rows, std::numeric_limits<double>::quiet_NaN());
  for (size_t r = 0; r < rows; ++r) {
    frame.batch[r] = static_cast<uint8_t>(table.integer(r, 0));
    const auto& version = frame.batches[frame.batch[r]];
    const int64_t at = table.is_null(r, 1) ? version.period_from : table.integer(r, 1);
    frame.day[r] = static_cast<int32_t>(at / kDay - (at % kDay < 0 ? 1 : 0));
    if (timed && !table.is_null(r, 1)) clock.numbers[r] = static_cast<double>(at % kDay / (kDay / 24));
  }
  for (size_t c = 0; c < columns.size(); ++c) {
    FrameColumn column{.name = columns[c].name, .number = columns[c].number};
    if (column.number) {
      column.numbers.resize(rows);
      for (size_t r = 0; r < rows; ++r)
        column.numbers[r] = table.is_null(r, c + 2) ? std::numeric_limits<double>::quiet_NaN() : table.real(r, c + 2);
    } else {
      column.codes.assign(rows, -1);
      std::unordered_map<std::string, int32_t> known;
      for (size_t r = 0; r < rows; ++r) {
        if (table.is_null(r, c + 2)) continue;
        auto text = table.text(r, c + 2);
        const auto [at, is_new] = known.emplace(std::move(text), static_cast<int32_t>(known.size()));
        if (is_new) column.texts.push_back(at->first);
        column.codes[r] = at->second;
      }
    }
    frame.columns.push_back(std::move(column));
  }
  if (timed) frame.columns.push_back(std::move(clock));
}

void encode(FrameColumn& column) {
  if (!column.codes.empty() || !column.number) return;
  column.codes.assign(column.numbers.size(), -1);
  std::unordered_map<uint64_t, int32_t> known;
  for (size_t r = 0; r < column.numbers.size(); ++r) {
    const double value = column.numbers[r];
    if (std::isnan(value)) continue;
    const auto [at, is_new] =
        known.emplace(std::bit_cast<uint64_t>(value == 0 ? 0.0 : value), static_cast<int32_t>(known.size()));
    if (is_new) column.texts.push_back(fmt::format("{}", value));
    column.codes[r] = at->second;
  }
}

// Nearly every day has one or two values of it (a local date spans two days of UTC), and days differ.
bool tells_the_date(const Frame& frame, const FrameColumn& column) {
  if (!column.number || column.clock || column.texts.size() < 2) return false;
  std::map<int32_t, std::pair<size_t, std::set<int32_t>>> days;
  for (size_t r = 0; r < frame.rows(); ++r) {
    auto& [rows, values] = days[frame.day[r]];
    ++rows;
    if (values.size() < 4) values.insert(column.codes[r]);
  }
  size_t many = 0, few = 0;
  for (const auto& [day, seen] : days) {
    if (seen.first < kRowsOfADated) continue;
    ++many;
    few += seen.second.size() <= 2 ? 1 : 0;
  }
  return many >= 5 && static_cast<double>(few) >= kDatedDays * static_cast<double>(many);
}

}  // namespace

const FrameColumn* Frame::find(const std::string& name) const {
  for (const auto& column : columns)
    if (column.name == name && !column.clock) return &column;
  return nullptr;
}

void finish_frame(Frame& frame) {
  for (auto& column : frame.columns) encode(column), sort_codes(column.texts, column.codes, column.numbers);
  for (auto& column : frame.columns) column.dated = tells_the_date(frame, column);
}

Result<Frame> read_frame(engine::Engines& engines, const store::Blobs& blobs, const FrameRequest& request) {
  if (request.batches.empty() || request.batches.size() > kFrameBatches || request.suspect >= request.batches.size())
    return Error{Code::invalid,
                 fmt::format("{} batches are not between 1 and {}", request.batches.size(), kFrameBatches)};
  Frame frame{.dataset = request.batches[0].dataset, .batches = request.batches, .suspect = request.suspect};
  std::vector<std::pair<size_t, File>> files;
  engine::EngineOptions options{.temp_folder = request.temp_folder};
  int64_t rows = 0;
  for (size_t b = 0; b < request.batches.size(); ++b) {
    const auto& version = request.batches[b];
    if (!version.file.empty()) {
      MILLRACE_TRY(auto file, file_of(blobs, version.file, true));
      files.emplace_back(b, std::move(file));
    }
    if (!version.quarantine_file.empty()) {
      MILLRACE_TRY(auto file, file_of(blobs, version.quarantine_file, false));
      files.emplace_back(b, std::move(file));
    }
    rows += version.rows;
  }
  if (files.empty()) return frame;
  for (const auto& [batch, file] : files) options.readable.push_back(file.path);
  frame.step = std::max<int64_t>(1, (rows + static_cast<int64_t>(kFrameRows) - 1) / static_cast<int64_t>(kFrameRows));
  MILLRACE_TRY(const auto session, engines.open(options));
  MILLRACE_DO(session->lock_down());

  // A column is what it is in the accepted rows of any batch; the values set aside follow.
  std::vector<Wanted> columns;
  for (const auto& [batch, file] : files) {
    if (!file.typed) continue;
    std::string missing;
    for (const auto& name : file.columns)
      if (name != request.event_time &&
          std::none_of(columns.begin(), columns.end(), [&](const Wanted& c) { return c.name == name; }))
        missing += fmt::format("{}{}", missing.empty() ? "" : ", ", quote_name(name));
    if (missing.empty()) continue;
    MILLRACE_TRY(const auto none, session->query(fmt::format("SELECT {} FROM read_parquet({}) LIMIT 0", missing,
                                                             quote_text(file.path))));
    for (size_t c = 0; c < none.columns(); ++c)
      if (const auto& type = none.type(c); is_numeric_type(type) || type == "text" || type == "boolean")
        columns.push_back({none.name(c), is_numeric_type(type)});
  }
  if (columns.size() > kFrameColumns)
    return Error{Code::too_large,
                 fmt::format("'{}' has {} columns, more than {}", frame.dataset, columns.size(), kFrameColumns)};

  std::string sql;
  for (const auto& [batch, file] : files)
    sql += (sql.empty() ? "" : "\nUNION ALL ") + select_of(file, batch, columns, request.event_time, frame.step);
  MILLRACE_TRY(const auto table, session->query(sql));
  fill(frame, table, columns, !request.event_time.empty());
  if (!request.event_time.empty()) frame.columns.back().name = request.event_time;
  const auto masked = masked_columns(blobs, request.batches[request.suspect]);
  for (auto& column : frame.columns) column.masked = masked.contains(column.name);
  finish_frame(frame);
  return frame;
}

}  // namespace millrace::data::cause
