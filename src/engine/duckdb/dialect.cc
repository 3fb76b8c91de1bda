#include "engine/duckdb/dialect.h"

#include <fmt/format.h>

#include "engine/engine.h"

namespace millrace::engine::duckdb {
namespace {

std::string strptime_format(const std::vector<TimePart>& parts) {
  static constexpr std::string_view kFields[] = {"%Y", "%m", "%d", "%H", "%M", "%S", "%g", "%f"};
  std::string out;
  for (const auto& part : parts) {
    if (part.field != TimePart::Field::text) out += kFields[static_cast<size_t>(part.field)];
    for (const char c : part.text) out += c == '%' ? "%%" : std::string(1, c);
  }
  return out;
}

class DuckdbDialect final : public Dialect {
 public:
  std::string_view engine() const override { return "duckdb"; }
  std::string quote_name(std::string_view name) const override { return engine::quote_name(name); }
  std::string quote_text(std::string_view text) const override { return engine::quote_text(text); }

  std::string type(SqlType type) const override {
    static constexpr std::string_view kNames[] = {"VARCHAR", "BIGINT",    "DOUBLE", "BOOLEAN",
                                                  "DATE",    "TIMESTAMP", "TIME"};
    return std::string(kNames[static_cast<size_t>(type)]);
  }

  SourceType source_type(std::string_view name) const override {
    if (name == "VARCHAR" || name.starts_with("ENUM") || name == "UUID") return SourceType::text;
    for (const auto* integer : {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"})
      if (name == integer) return SourceType::integer;
    if (name == "UBIGINT" || name == "HUGEINT" || name == "UHUGEINT") return SourceType::wide;
    if (name == "FLOAT" || name == "DOUBLE" || name.starts_with("DECIMAL")) return SourceType::number;
    if (name == "BOOLEAN") return SourceType::boolean;
    if (name == "DATE") return SourceType::date;
    if (name == "TIMESTAMP WITH TIME ZONE") return SourceType::zoned;
    if (name.starts_with("TIMESTAMP")) return SourceType::timestamp;
    if (name == "JSON") return SourceType::json;
    return name == "TIME" || name == "TIME_NS" ? SourceType::time : SourceType::other;
  }

  std::string parse(std::string_view x, SqlType type) const override { return try_cast(x, type); }
  std::string parse_zoned(std::string_view x) const override {
    return to_utc(fmt::format("TRY_CAST({} AS TIMESTAMP WITH TIME ZONE)", x));
  }
  std::string parse_parts(std::string_view x, const std::vector<TimePart>& parts, SqlType type) const override {
    return cast(fmt::format("TRY_STRPTIME({}, {})", x, quote_text(strptime_format(parts))), type);
  }

  std::string to_utc(std::string_view x) const override { return fmt::format("make_timestamp(epoch_us({}))", x); }
  std::string epoch_micros(std::string_view x) const override {
    return fmt::format("epoch_us({})", cast(x, SqlType::timestamp));
  }

  std::string contains(std::string_view x, std::string_view pattern) const override {
    return fmt::format("regexp_matches({}, {})", x, quote_text(pattern));
  }
  std::string matches(std::string_view x, std::string_view pattern) const override {
    return fmt::format("regexp_full_match({}, {})", x, quote_text(pattern));
  }
  std::string characters(std::string_view x) const override { return fmt::format("length({})", x); }
  std::string split(std::string_view x, char separator) const override {
    return fmt::format("string_split({}, chr({}))", x, static_cast<int>(separator));
  }

  std::string json_text(std::string_view x, SqlType type) const override {
    std::string_view kinds = "'VARCHAR'";
    if (type == SqlType::integer || type == SqlType::number) kinds = "'BIGINT', 'UBIGINT', 'DOUBLE'";
    if (type == SqlType::boolean) kinds = "'BOOLEAN'";
    return fmt::format("(CASE WHEN json_type({0}) IN ({1}) THEN {0} ->> '$' END)", x, kinds);
  }

  std::string is_nan(std::string_view x) const override { return fmt::format("isnan({})", x); }
  std::string is_infinite(std::string_view x) const override { return fmt::format("isinf({})", x); }
  std::string is_finite(std::string_view x) const override { return fmt::format("isfinite({})", x); }
  std::string remainder(std::string_view x, std::string_view y) const override {
    return fmt::format("({} % {})", x, y);
  }

  std::string tuple(std::string_view list) const override { return fmt::format("row({})", list); }
  std::string sum_of_integers(std::string_view x) const override {
    return cast(fmt::format("sum({})", x), SqlType::number);
  }
  std::string approximately_distinct(std::string_view x) const override {
    return fmt::format("approx_count_distinct({})", x);
  }
  double approximation_error() const override { return 0.02; }

  std::string histogram(std::string_view x, const std::vector<double>& edges) const override {
    std::vector<std::string> list;
    for (const double edge : edges) list.push_back(literal(edge));
    return fmt::format("histogram({}, [{}])", x, fmt::join(list, ", "));
  }
  // A map from a bin's upper edge to its count, without the bins that are empty; what is over the last edge has a key
  // of its own.
  std::vector<int64_t> read_histogram(const Json& cell, const std::vector<double>& edges) const override {
    std::vector<int64_t> counts(edges.size() + 1, 0);
    if (!cell.is_array()) return counts;
    for (const auto& entry : cell) {
      const Json* key = find(entry, "key");
      size_t bin = edges.size();
      if (key != nullptr && key->is_number())
        for (size_t i = 0; i < edges.size(); ++i)
          if (edges[i] == key->get<double>()) bin = i;
      counts[bin] += integer_or(entry, "value", 0);
    }
    return counts;
  }

  std::string quantiles(std::string_view x, std::span<const double> shares) const override {
    return fmt::format("quantile_disc({}, [{}])", x, fmt::join(shares, ", "));
  }
  double quantile_error() const override { return 0; }

  Result<FileSql> file(const FileForm& form) const override {
    const auto path = quote_text(form.path);
    if (form.kind == FileForm::Kind::parquet) {
      const auto read = fmt::format("read_parquet({}, binary_as_string = true, hive_partitioning = false", path);
      return FileSql{.plain = read + ")", .numbered = read + ", file_row_number = true)", .row = "file_row_number + 1"};
    }
    const auto read = form.kind == FileForm::Kind::csv ? csv(form, path) : json_lines(form, path);
    return FileSql{.plain = read, .numbered = read, .row = "row_number() OVER ()"};
  }

  std::string rows_of(const std::vector<std::string>& constants, std::string_view name) const override {
    return fmt::format("SELECT unnest([{}]) AS {}", fmt::join(constants, ", "), quote_name(name));
  }
  std::string make_table(std::string_view name, std::string_view select) const override {
    return fmt::format("CREATE OR REPLACE TEMP TABLE {} AS {}", quote_name(name), select);
  }
  std::string make_view(std::string_view name, std::string_view select) const override {
    return fmt::format("CREATE OR REPLACE TEMP VIEW {} AS {}", quote_name(name), select);
  }

 private:
  std::string csv(const FileForm& form, const std::string& path) const {
    const auto text_of = [&](char c) { return quote_text(c == '\0' ? "" : std::string(1, c)); };
    std::string types;
    for (size_t i = 0; i < form.columns.size(); ++i) types += fmt::format("{}'c{}': 'VARCHAR'", i == 0 ? "" : ", ", i);
    return fmt::format(
        "read_csv({}, auto_detect = false, compression = 'none', hive_partitioning = false, header = {}, delim = {}, "
        "quote = {}, escape = {}, nullstr = '', allow_quoted_nulls = {}, strict_mode = true, null_padding = false, "
        "ignore_errors = false, columns = {{{}}})",
        path, form.header, text_of(form.delimiter), text_of(form.quote), text_of(form.escape), !form.keep_empty, types);
  }

  std::string json_lines(const FileForm& form, const std::string& path) const {
    std::string columns;
    for (const auto& [name, type] : form.columns)
      columns += fmt::format("{}{}: '{}'", columns.empty() ? "" : ", ", quote_text(name), type);
    return fmt::format(
        "read_json({}, format = 'newline_delimited', auto_detect = false, compression = 'uncompressed', "
        "hive_partitioning = false, ignore_errors = false, maximum_object_size = {}, columns = {{{}}})",
        path, form.line_bytes, columns);
  }
};

}  // namespace

const Dialect& dialect() {
  static const DuckdbDialect dialect;
  return dialect;
}

}  // namespace millrace::engine::duckdb
