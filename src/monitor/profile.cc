#include "monitor/profile.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include <fmt/format.h>

#include "core/files.h"
#include "stats/histogram.h"

namespace millrace::monitor {
namespace {

constexpr int kQuantiles = 1'000;
constexpr int64_t kMemory = int64_t{1} << 30;

enum class Form { number, text, other };

Form form_of(const std::string& type) {
  for (const char* number : {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
                             "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "BOOLEAN"})
    if (type == number) return Form::number;
  if (type.starts_with("DECIMAL")) return Form::number;
  return type == "VARCHAR" || type.starts_with("ENUM") ? Form::text : Form::other;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// Even quantiles of the column, ascending: the smallest value that so many rows do not exceed; none when all is null.
// By rank, after one sort: the engine's own list of quantiles selects anew for each.
Result<std::vector<double>> quantiles_of(engine::Engine& engine, const std::string& value) {
  MILLRACE_TRY(const auto counted, engine.query(fmt::format("SELECT count({}) FROM taught", value)));
  const auto rows = counted.integer(0, 0);
  std::vector<double> out;
  if (rows == 0) return out;
  MILLRACE_TRY(
      const auto table,
      engine.query(fmt::format(
          "SELECT s.v FROM range(0, {1} + 1) k(i) JOIN (SELECT {0} AS v, row_number() OVER (ORDER BY {0}) AS r "
          "FROM taught WHERE {0} IS NOT NULL) s ON s.r = greatest(1, (k.i * {2} + {1} - 1) // {1}) ORDER BY k.i",
          value, kQuantiles, rows)));
  for (size_t row = 0; row < table.rows(); ++row) out.push_back(table.real(row, 0));
  return out;
}

// Few values have a bin each however rare they are, which even quantiles may miss.
Result<std::vector<double>> few_values(engine::Engine& engine, const std::string& value) {
  MILLRACE_TRY(const auto table,
               engine.query(fmt::format("SELECT DISTINCT {0} FROM taught WHERE {0} IS NOT NULL ORDER BY 1 LIMIT {1}",
                                        value, kBins + 1)));
  std::vector<double> out;
  for (size_t row = 0; row < table.rows(); ++row) out.push_back(table.real(row, 0));
  return out;
}

// Sums stand around the middle, in a unit in which the bulk is about 1 and no value of the reference is cut.
void set_unit(const std::vector<double>& quantiles, Bins& bins) {
  const double low = quantiles.front(), high = quantiles.back();
  bins.center = low / 2 + high / 2;
  const double bulk = (quantiles[kQuantiles * 95 / 100] - quantiles[kQuantiles * 5 / 100]) / 4;
  const double scale = std::max(bulk, high / 4096 - low / 4096);
  bins.scale = scale > 0 ? scale : 1;
}

Result<Bins> number_bins(engine::Engine& engine, const std::string& column, std::optional<double> missing) {
  Bins out{.column = column};
  const auto value = number_value(engine::quote_name(column), missing);
  MILLRACE_TRY(const auto quantiles, quantiles_of(engine, value));
  if (quantiles.empty()) return out;
  set_unit(quantiles, out);
  MILLRACE_TRY(const auto few, few_values(engine, value));
  const std::vector<double> even(quantiles.begin(), quantiles.end() - 1);  // without the largest: 0, 0.1, ... 99.9 %
  MILLRACE_TRY(out.edges, stats::even_edges(few.size() <= size_t{kBins} ? few : even, kBins));
  return out;
}

Result<Bins> text_bins(engine::Engine& engine, const std::string& column) {
  Bins out{.column = column, .text = true};
  const auto value = text_value(engine::quote_name(column));
  MILLRACE_TRY(const auto table,
               engine.query(fmt::format("SELECT {0}, count(*) FROM taught WHERE {0} IS NOT NULL GROUP BY 1 ORDER BY 2 "
                                        "DESC, 1 LIMIT {1}",
                                        value, kCategories)));
  for (size_t row = 0; row < table.rows(); ++row) out.categories.push_back(table.text(row, 0));
  return out;
}

Result<std::vector<Place>> find_places(engine::Engine& engine, const ProfileRequest& request) {
  MILLRACE_TRY(const auto shape, engine.query("DESCRIBE taught"));
  if (shape.rows() > kMostColumns)
    return Error{Code::too_large,
                 fmt::format("the file has {} columns, and {} are the most", shape.rows(), kMostColumns)}
        .at({.file = request.path});
  std::vector<Place> out;
  for (size_t row = 0; row < shape.rows(); ++row) {
    const auto name = shape.text(row, 0);
    const bool wanted = request.only.empty() || std::any_of(request.only.begin(), request.only.end(),
                                                            [&](const auto& only) { return same_name(only, name); });
    const auto form = form_of(shape.text(row, 1));
    if (!wanted || form == Form::other) continue;
    MILLRACE_TRY(auto bins, form == Form::text ? text_bins(engine, name) : number_bins(engine, name, request.missing));
    out.push_back({std::move(bins), engine::quote_name(name)});
  }
  return out;
}

Error damaged() {
  return Error{Code::corrupt, "a reference profile is not as it was written"}.hint(
      "restore the state folder from a backup");
}

}  // namespace

const ColumnProfile* Profile::find(std::string_view column) const {
  const auto at = std::find_if(columns.begin(), columns.end(),
                               [&](const ColumnProfile& one) { return same_name(one.bins.column, column); });
  return at == columns.end() ? nullptr : &*at;
}

Json Profile::to_json() const {
  Json list = Json::array();
  for (const auto& [bins, counts] : columns)
    list.push_back({{"column", bins.column},
                    {"text", bins.text},
                    {"edges", bins.edges},
                    {"categories", bins.categories},
                    {"center", bins.center},
                    {"scale", bins.scale},
                    {"counts", counts.counts},
                    {"n", counts.moments.n},
                    {"mean", counts.moments.mean},
                    {"variance", counts.moments.variance}});
  return {{"missing", missing ? Json(*missing) : Json()}, {"columns", std::move(list)}};
}

Result<Profile> Profile::of_json(const Json& json) {
  try {
    Profile out;
    if (const auto& missing = json.at("missing"); !missing.is_null()) out.missing = missing.get<double>();
    for (const auto& item : json.at("columns")) {
      ColumnProfile one{.bins = {.column = item.at("column").get<std::string>(),
                                 .text = item.at("text").get<bool>(),
                                 .edges = item.at("edges").get<std::vector<double>>(),
                                 .categories = item.at("categories").get<std::vector<std::string>>(),
                                 .center = item.at("center").get<double>(),
                                 .scale = item.at("scale").get<double>()},
                        .counts = {.counts = item.at("counts").get<std::vector<int64_t>>(),
                                   .moments = {.n = item.at("n").get<int64_t>(),
                                               .mean = item.at("mean").get<double>(),
                                               .variance = item.at("variance").get<double>()}}};
      if (one.counts.counts.size() != one.bins.size()) return damaged();
      out.columns.push_back(std::move(one));
    }
    return out;
  } catch (const Json::exception&) {
    return damaged();
  }
}

Result<Profile> profile_file(engine::Engines& engines, const ProfileRequest& request) {
  MILLRACE_TRY(auto engine, engines.open({.memory_bytes = kMemory,
                                          .temp_folder = request.temp_folder,
                                          .readable = {absolute(request.path)}}));
  MILLRACE_TRY(const auto made,
               engine->execute(fmt::format("CREATE TEMPORARY VIEW taught AS SELECT * FROM read_parquet({})",
                                           engine::quote_text(absolute(request.path)))));
  (void)made;
  MILLRACE_DO(engine->lock_down());
  MILLRACE_TRY(auto places, find_places(*engine, request));
  MILLRACE_TRY(auto counts, count_columns(*engine, "taught", "true", places, request.missing));
  Profile out{.missing = request.missing};
  for (size_t i = 0; i < places.size(); ++i) out.columns.push_back({std::move(places[i].bins), std::move(counts[i])});
  return out;
}

}  // namespace millrace::monitor
