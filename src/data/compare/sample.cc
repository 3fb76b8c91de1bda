#include "data/compare/sample.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <unordered_map>

#include <fmt/format.h>

#include "core/clock.h"
#include "data/samples/value_codes.h"
#include "stats/robust.h"

namespace millrace::data::compare {
namespace {

using engine::quote_name;

constexpr double kNearlyAll = 0.98;  // of the reference's texts that are numbers or times
constexpr double kFollows = 0.9;     // share of a number's variance that lies between blocks: it follows the time
constexpr double kDay = 86'400;
constexpr double kCenturies = 300 * 365.25 * kDay;  // about 1970

struct Wanted {
  std::string name;
  Kind kind = Kind::text;
  bool parsed = false;  // text that is read as a number or a time
};

std::string type_family(const std::string& type) {
  for (const auto* name : {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
                           "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE"})
    if (type == name) return "number";
  if (type.starts_with("DECIMAL")) return "number";
  if (type.starts_with("TIMESTAMP") || type == "DATE") return "time";
  if (type.empty() || type == "VARCHAR" || type.starts_with("ENUM") || type == "UUID" || type == "BOOLEAN" ||
      type == "TIME")
    return "text";
  return "other";
}

std::string as_number(const std::string& value) { return fmt::format("TRY_CAST({} AS DOUBLE)", value); }
std::string as_time(const std::string& value) {
  return fmt::format("(epoch_us(TRY_CAST({} AS TIMESTAMP)) / 1e6)", value);
}

std::string value_sql(const Wanted& column, const std::string& value) {
  if (column.kind == Kind::number) return as_number(value);
  if (column.kind == Kind::time) return as_time(value);
  return fmt::format("CAST({} AS VARCHAR)", value);
}

std::string union_of(const std::vector<InputFile>& files, const std::vector<Wanted>& columns, bool raw) {
  std::string out;
  for (size_t f = 0; f < files.size(); ++f) {
    std::string list =
        fmt::format("CAST({} AS INTEGER) AS millrace_file, CAST(millrace_row AS BIGINT) AS millrace_row", f);
    for (size_t c = 0; c < columns.size(); ++c) {
      const auto source = fmt::format("c{}", files[f].index(columns[c].name));
      list += fmt::format(", {} AS m{}",
                          raw ? fmt::format("CAST({} AS VARCHAR)", source) : value_sql(columns[c], source), c);
      if (!raw && columns[c].kind != Kind::text)
        list += fmt::format(", ({0} IS NOT NULL AND {1} IS NULL) AS w{2}", source, value_sql(columns[c], source), c);
    }
    out += fmt::format("{}SELECT {} FROM ({})", out.empty() ? "" : " UNION ALL ", list, select_from(files[f], true));
  }
  return out;
}

Result<int64_t> rows_of(engine::Engine& session, const std::vector<InputFile>& files) {
  int64_t rows = 0;
  for (const auto& file : files) {
    auto counted = session.query(fmt::format("SELECT count(*) FROM ({})", select_from(file, false)));
    if (!counted) return explain_read(std::move(counted).error(), files);
    rows += counted->integer(0, 0);
  }
  return rows;
}

// What texts of the reference are read as: by all of them, or by a sample of a large reference.
Result<void> find_kinds(engine::Engine& session, const std::vector<InputFile>& files, std::vector<Wanted>& columns,
                        int64_t step) {
  std::vector<std::string> asked;
  for (size_t c = 0; c < columns.size(); ++c) {
    if (columns[c].kind != Kind::text) continue;
    asked.push_back(fmt::format(
        "count(nullif(trim(m{0}), '')), count(TRY_CAST(m{0} AS DOUBLE)), count(TRY_CAST(m{0} AS TIMESTAMP))", c));
  }
  if (asked.empty()) return {};
  auto found = session.query(fmt::format("SELECT {} FROM ({}) WHERE millrace_row % {} = 0", fmt::join(asked, ", "),
                                         union_of(files, columns, true), step));
  if (!found) return explain_read(std::move(found).error(), files);
  size_t at = 0;
  for (auto& column : columns) {
    if (column.kind != Kind::text) continue;
    const auto all = static_cast<double>(found->integer(0, at)),
               numbers = static_cast<double>(found->integer(0, at + 1)),
               times = static_cast<double>(found->integer(0, at + 2));
    at += 3;
    if (all == 0) continue;
    if (numbers >= kNearlyAll * all)
      column.kind = Kind::number, column.parsed = true;
    else if (times >= kNearlyAll * all)
      column.kind = Kind::time, column.parsed = true;
  }
  return {};
}

void note_changes(const SampleRequest& request, std::vector<ColumnChange>& changes, std::vector<Wanted>& columns) {
  std::map<std::string, std::string> before, now;
  for (const auto& file : request.reference)
    for (const auto& column : file.columns) before.emplace(column.name, column.type);
  for (const auto& file : request.batch)
    for (const auto& column : file.columns) now.emplace(column.name, column.type);
  const auto everywhere = [](const std::vector<InputFile>& files, const std::string& name) {
    return std::all_of(files.begin(), files.end(), [&](const InputFile& f) { return f.find(name) != nullptr; });
  };
  std::set<std::string> seen;
  for (const auto& file : request.reference)
    for (const auto& column : file.columns) {
      if (!seen.insert(column.name).second) continue;
      if (!everywhere(request.batch, column.name)) {
        changes.push_back(
            {column.name, "missing", fmt::format("the column '{}' of the reference is missing", column.name)});
        continue;
      }
      if (!everywhere(request.reference, column.name)) continue;
      const auto old_family = type_family(column.type), new_family = type_family(now[column.name]);
      if (old_family == "other" || new_family == "other") continue;
      // Two files of text, or of one type, are compared value by value; so is text that holds what was typed before.
      if (!column.type.empty() && !now[column.name].empty() && old_family != new_family)
        changes.push_back({column.name, "retyped",
                           fmt::format("the column '{}' is {} where the reference has {}", column.name,
                                       now[column.name], column.type)});
      Kind kind = old_family == "number" ? Kind::number : old_family == "time" ? Kind::time : Kind::text;
      columns.push_back({.name = column.name, .kind = kind, .parsed = false});
    }
  for (const auto& file : request.batch)
    for (const auto& column : file.columns)
      if (seen.insert(column.name).second)
        changes.push_back({column.name, "new", fmt::format("the column '{}' is not in the reference", column.name)});
}

struct Side {
  engine::Table table;
  int64_t step = 1, total = 0;
};

Result<Side> read_side(engine::Engine& session, const std::vector<InputFile>& files, const std::vector<Wanted>& columns,
                       int64_t total) {
  Side side{.total = total};
  side.step = std::max<int64_t>(1, (total + static_cast<int64_t>(kSampleRows) - 1) / static_cast<int64_t>(kSampleRows));
  auto table =
      session.query(fmt::format("SELECT * FROM ({}) WHERE millrace_row % {} = 0 ORDER BY millrace_file, millrace_row",
                                union_of(files, columns, false), side.step));
  if (!table) return explain_read(std::move(table).error(), files);
  side.table = *std::move(table);
  return side;
}

class TextCodes {
 public:
  int32_t code(std::string&& text, Column& column) {
    const auto [at, is_new] = known_.emplace(std::move(text), static_cast<int32_t>(known_.size()));
    if (is_new) column.texts.push_back(at->first);
    return at->second;
  }

 private:
  std::unordered_map<std::string, int32_t> known_;
};

void fill(SampleRead& out, const std::vector<Wanted>& columns, const Side& reference, const Side& batch) {
  auto& sample = out.sample;
  sample.reference_rows = reference.table.rows();
  sample.group.assign(sample.reference_rows + batch.table.rows(), 0);
  sample.reference_step = reference.step, sample.batch_step = batch.step;
  sample.reference_total = reference.total, sample.batch_total = batch.total;
  for (size_t row = 0; row < batch.table.rows(); ++row) {
    sample.file.push_back(static_cast<int32_t>(batch.table.integer(row, 0)));
    sample.place.push_back(batch.table.integer(row, 1));
  }
  size_t at = 2;
  for (const auto& wanted : columns) {
    Column column{.name = wanted.name, .label = wanted.name, .kind = wanted.kind};
    TextCodes codes;
    int64_t wrong = 0;
    for (const auto* side : {&reference, &batch})
      for (size_t row = 0; row < side->table.rows(); ++row) {
        const bool is_null = side->table.is_null(row, at);
        if (wanted.kind == Kind::text)
          column.codes.push_back(is_null ? -1 : codes.code(side->table.text(row, at), column));
        else {
          column.numbers.push_back(is_null ? std::nan("") : side->table.real(row, at));
          if (side == &batch && is_null && side->table.integer(row, at + 1) != 0) ++wrong;
        }
      }
    at += wanted.kind == Kind::text ? 1 : 2;
    if (wrong > 0) out.wrong.emplace_back(wanted.name, wrong);
    sample.columns.push_back(std::move(column));
  }
}

void encode(Column& column) {
  if (column.kind == Kind::text || !column.codes.empty()) return;
  std::unordered_map<uint64_t, int32_t> known;
  column.codes.assign(column.numbers.size(), -1);
  for (size_t r = 0; r < column.numbers.size(); ++r) {
    const double value = column.numbers[r];
    if (std::isnan(value)) continue;
    const auto [at, is_new] =
        known.emplace(std::bit_cast<uint64_t>(value == 0 ? 0.0 : value), static_cast<int32_t>(known.size()));
    if (is_new)
      column.texts.push_back(column.kind == Kind::time ? to_iso(static_cast<Micros>(value * 1e6))
                                                       : fmt::format("{}", value));
    column.codes[r] = at->second;
  }
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// The reference's time by row: the time column with the most values, else columns named year, month and day.
std::vector<double> times_of(const Sample& sample) {
  const Column* best = nullptr;
  for (const auto& column : sample.columns)
    if (column.kind == Kind::time && (best == nullptr || column.texts.size() > best->texts.size())) best = &column;
  if (best != nullptr && best->texts.size() > 2)
    return {best->numbers.begin(), best->numbers.begin() + static_cast<int64_t>(sample.reference_rows)};
  const Column *year = nullptr, *month = nullptr, *day = nullptr;
  for (const auto& column : sample.columns) {
    if (column.kind != Kind::number) continue;
    const auto name = lower(column.name);
    if (name == "year") year = &column;
    if (name == "month") month = &column;
    if (name == "day") day = &column;
  }
  if (month == nullptr && day == nullptr) return {};
  std::vector<double> out;
  for (size_t r = 0; r < sample.reference_rows; ++r)
    out.push_back((year != nullptr ? year->numbers[r] * 372 : 0) + (month != nullptr ? month->numbers[r] * 31 : 0) +
                  (day != nullptr ? day->numbers[r] : 0));
  return out;
}

void make_blocks(Sample& sample) {
  const size_t rows = sample.reference_rows;
  sample.batch = std::clamp<size_t>(rows / kRowsOfABlock, 2, kMostBlocks);
  const auto times = times_of(sample);
  std::vector<size_t> order(rows);
  std::iota(order.begin(), order.end(), 0);
  if (!times.empty()) {
    const auto key = [&](size_t r) { return std::isnan(times[r]) ? -1e300 : times[r]; };
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return key(a) < key(b); });
    sample.timed = rows > 0 && key(order.front()) < key(order.back());
  }
  // Rows of one time stay in one block.
  size_t block = 0;
  for (size_t i = 0; i < rows; ++i) {
    const size_t due = i * sample.batch / std::max<size_t>(1, rows);
    const bool tied = sample.timed && i > 0 && times[order[i]] == times[order[i - 1]];
    if (due > block && !tied) block = due;
    sample.group[order[i]] = static_cast<uint8_t>(block);
  }
  for (size_t r = rows; r < sample.rows(); ++r) sample.group[r] = static_cast<uint8_t>(sample.batch);
}

// Share of the variance that lies between the blocks.
double between_blocks(const Sample& sample, const Column& column) {
  std::vector<double> n(sample.batch), sum(sample.batch);
  double total = 0, squares = 0, rows = 0;
  for (size_t r = 0; r < sample.reference_rows; ++r) {
    const double value = column.numbers[r];
    if (!std::isfinite(value)) continue;
    n[sample.group[r]] += 1, sum[sample.group[r]] += value, total += value, squares += value * value, rows += 1;
  }
  if (rows < 2) return 0;
  const double mean = total / rows, variance = squares / rows - mean * mean;
  if (!(variance > 1e-12 * std::max(1.0, mean * mean))) return 0;
  double between = 0;
  for (size_t b = 0; b < sample.batch; ++b)
    if (n[b] > 0) between += n[b] * (sum[b] / n[b] - mean) * (sum[b] / n[b] - mean);
  return between / rows / variance;
}

// Whether clocks are put forward at a time (seconds since 1970), by the rules of the USA and of the EU: the hour in UTC
// of what follows a local clock moves with them.
int summer_time(double at) {
  if (!(std::abs(at) < kCenturies)) return 0;  // no time that a calendar knows
  const auto days = static_cast<int64_t>(std::floor(at / kDay));
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{days}}};
  const auto is_between = [&](std::chrono::sys_days from, std::chrono::sys_days to) {
    const auto day = std::chrono::sys_days{date};
    return day >= from && day < to;
  };
  using namespace std::chrono;
  const auto year = date.year();
  const bool usa = is_between(year / March / Sunday[2], year / November / Sunday[1]);
  const bool europe = is_between(year / March / Sunday[last], year / October / Sunday[last]);
  return (usa ? 1 : 0) + (europe ? 2 : 0);
}

bool clocks_changed(const Sample& sample, const Column& time) {
  std::vector<double> before, now;
  for (size_t r = 0; r < sample.rows(); ++r)
    if (std::isfinite(time.numbers[r])) (r < sample.reference_rows ? before : now).push_back(time.numbers[r]);
  if (before.empty() || now.empty()) return false;
  const auto state = [](const std::vector<double>& times) {
    const auto ends = stats::quantiles(times, std::vector<double>{0.02, 0.98});
    return std::pair(summer_time(ends[0]), summer_time(ends[1]));
  };
  const auto old_state = state(before), new_state = state(now);
  return old_state != new_state || old_state.first != old_state.second;
}

// One number in all of the reference and one in all of the batch: a label of the file, as its month.
bool is_label(const Sample& sample, const Column& column) {
  const auto is_constant = [&](size_t from, size_t to) {
    return std::all_of(column.codes.begin() + static_cast<int64_t>(from),
                       column.codes.begin() + static_cast<int64_t>(to),
                       [first = column.codes[from]](int32_t code) { return code == first; });
  };
  return sample.reference_rows > 0 && sample.batch_rows() > 0 && is_constant(0, sample.reference_rows) &&
         is_constant(sample.reference_rows, sample.rows());
}

// Hours of the day and times between columns tell of clocks and of rows in the wrong place.
void derive(Sample& sample) {
  std::vector<size_t> times;
  for (size_t c = 0; c < sample.columns.size(); ++c)
    if (sample.columns[c].kind == Kind::time && !sample.columns[c].derived) times.push_back(c);
  std::vector<Column> made;
  for (const size_t c : times) {
    const auto& source = sample.columns[c];
    Column hour{.name = source.name, .label = "the hour of " + source.name, .kind = Kind::number, .derived = true};
    bool any = false;
    for (const double value : source.numbers) {
      const double seconds = value - std::floor(value / kDay) * kDay;
      hour.numbers.push_back(std::floor(seconds / 3600));
      any = any || (std::isfinite(seconds) && seconds > 0);
    }
    if (any && !clocks_changed(sample, source)) made.push_back(std::move(hour));
  }
  for (size_t i = 1; i < times.size() && i < 6; ++i) {
    const auto &first = sample.columns[times[0]], &second = sample.columns[times[i]];
    Column gap{.name = second.name,
               .label = fmt::format("the hours from {} to {}", first.name, second.name),
               .kind = Kind::number,
               .derived = true};
    for (size_t r = 0; r < sample.rows(); ++r) gap.numbers.push_back((second.numbers[r] - first.numbers[r]) / 3600);
    made.push_back(std::move(gap));
  }
  for (auto& column : made) sample.columns.push_back(std::move(column));
}

}  // namespace

const Column* Sample::find(const std::string& name) const {
  for (const auto& column : columns)
    if (column.name == name && !column.derived) return &column;
  return nullptr;
}

Sample without(const Sample& sample, const std::vector<char>& drop) {
  Sample out = sample;
  const auto kept = [&](auto& values) {
    size_t to = 0;
    for (size_t r = 0; r < values.size(); ++r)
      if (r >= sample.reference_rows || drop[r] == 0) values[to++] = values[r];
    values.resize(to);
  };
  kept(out.group);
  for (auto& column : out.columns) {
    kept(column.codes);
    if (!column.numbers.empty()) kept(column.numbers);
  }
  out.reference_rows -= static_cast<size_t>(std::count(drop.begin(), drop.end(), 1));
  return out;
}

void finish_sample(Sample& sample) {
  for (auto& column : sample.columns) encode(column), sort_codes(column.texts, column.codes, column.numbers);
  make_blocks(sample);
  derive(sample);
  for (auto& column : sample.columns) {
    if (column.derived) encode(column), sort_codes(column.texts, column.codes, column.numbers);
    if (column.kind == Kind::text) continue;
    column.whole = true;
    for (size_t r = 0; r < sample.reference_rows && column.whole; ++r)
      column.whole = std::isnan(column.numbers[r]) || column.numbers[r] == std::floor(column.numbers[r]);
    column.dated = (column.kind == Kind::time && !column.derived) || between_blocks(sample, column) > kFollows ||
                   is_label(sample, column);
  }
}

Result<SampleRead> read_sample(engine::Engine& session, const SampleRequest& request) {
  SampleRead out;
  std::vector<Wanted> columns;
  note_changes(request, out.changes, columns);
  if (columns.size() > kSampleColumns)
    return Error{Code::too_large,
                 fmt::format("{} columns, more than {}, cannot be compared at once", columns.size(), kSampleColumns)};
  MILLRACE_TRY(const int64_t before, rows_of(session, request.reference));
  MILLRACE_TRY(const int64_t now, rows_of(session, request.batch));
  if (columns.empty() || before == 0) {
    out.sample.reference_total = before, out.sample.batch_total = now;
    return out;
  }
  const int64_t step = std::max<int64_t>(1, before / static_cast<int64_t>(kSampleRows));
  MILLRACE_DO(find_kinds(session, request.reference, columns, step));
  MILLRACE_TRY(const auto reference, read_side(session, request.reference, columns, before));
  MILLRACE_TRY(const auto batch, read_side(session, request.batch, columns, now));
  fill(out, columns, reference, batch);
  for (auto& column : out.sample.columns)
    column.masked = std::find(request.masked.begin(), request.masked.end(), column.name) != request.masked.end();
  finish_sample(out.sample);
  return out;
}

}  // namespace millrace::data::compare
