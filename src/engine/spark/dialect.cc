#include "engine/spark/dialect.h"

#include <fmt/format.h>

#include "core/hash.h"
#include "engine/spark/pattern.h"

namespace millrace::engine::spark {
namespace {

std::string java_format(const std::vector<TimePart>& parts) {
  static constexpr std::string_view kFields[] = {"yyyy", "MM", "dd", "HH", "mm", "ss", "SSS", "SSSSSS"};
  std::string out;
  for (const auto& part : parts) {
    if (part.field != TimePart::Field::text) {
      out += kFields[static_cast<size_t>(part.field)];
      continue;
    }
    out += '\'';
    for (const char c : part.text) out += c == '\'' ? "''" : std::string(1, c);
    out += '\'';
  }
  return out;
}

// Hadoop takes a path for a pattern of paths.
std::string literal_path(std::string_view path) {
  std::string out = path.starts_with('/') ? "file://" : "";
  for (const char c : path) {
    if (std::string_view(R"(\*?[]{})").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

constexpr int kQuantileAccuracy = 10'000;

class SparkDialect final : public Dialect {
 public:
  std::string_view engine() const override { return "spark"; }

  std::string quote_name(std::string_view name) const override {
    std::string out = "`";
    for (const char c : name) out += c == '`' ? "``" : std::string(1, c);
    return out + "`";
  }
  std::string quote_text(std::string_view text) const override {
    std::string out = "'";
    for (const char c : text) {
      if (c == '\\' || c == '\'') out += '\\';
      out += c;
    }
    return out + "'";
  }

  std::string type(SqlType type) const override {
    static constexpr std::string_view kNames[] = {"STRING", "BIGINT",        "DOUBLE", "BOOLEAN",
                                                  "DATE",   "TIMESTAMP_NTZ", "TIME"};
    return std::string(kNames[static_cast<size_t>(type)]);
  }

  SourceType source_type(std::string_view name) const override {
    if (name == "string" || name.starts_with("varchar") || name.starts_with("char")) return SourceType::text;
    for (const auto* integer : {"tinyint", "smallint", "int", "bigint"})
      if (name == integer) return SourceType::integer;
    // Spark's form of unsigned 64-bit integers.
    if (name == "decimal(20,0)") return SourceType::wide;
    if (name == "float" || name == "double" || name.starts_with("decimal")) return SourceType::number;
    if (name == "boolean") return SourceType::boolean;
    if (name == "date") return SourceType::date;
    if (name == "timestamp") return SourceType::zoned;
    if (name == "timestamp_ntz") return SourceType::timestamp;
    return name.starts_with("time(") ? SourceType::time : SourceType::other;
  }

  // Spark reads no fraction of an integer and no sign before nan.
  std::string parse(std::string_view x, SqlType type) const override {
    if (type == SqlType::integer) return try_cast(fmt::format("substring_index({}, '.', 1)", x), type);
    if (type != SqlType::number) return try_cast(x, type);
    return fmt::format("CASE WHEN lower({0}) IN ('+nan', '-nan') THEN {1} ELSE {2} END", x,
                       literal(SqlType::number, "NaN"), try_cast(x, type));
  }
  std::string parse_zoned(std::string_view x) const override {
    return to_utc(fmt::format("TRY_CAST(regexp_replace({}, '([+-][0-9]{{2}})$', '$1:00') AS TIMESTAMP)", x));
  }
  std::string parse_parts(std::string_view x, const std::vector<TimePart>& parts, SqlType type) const override {
    const auto read = to_utc(fmt::format("try_to_timestamp({}, {})", x, quote_text(java_format(parts))));
    return type == SqlType::timestamp ? read : cast(read, type);
  }

  std::string to_utc(std::string_view x) const override { return fmt::format("CAST({} AS TIMESTAMP_NTZ)", x); }
  std::string epoch_micros(std::string_view x) const override {
    return fmt::format("unix_micros(CAST({} AS TIMESTAMP))", x);
  }

  std::string contains(std::string_view x, std::string_view pattern) const override {
    return fmt::format("({} RLIKE {})", x, quote_text(java_pattern(pattern)));
  }
  std::string matches(std::string_view x, std::string_view pattern) const override {
    return fmt::format("({} RLIKE {})", x, quote_text(R"(\A(?:)" + java_pattern(pattern) + R"()\z)"));
  }
  std::string characters(std::string_view x) const override { return fmt::format("char_length({})", x); }
  std::string split(std::string_view x, char separator) const override {
    return fmt::format("split({}, {})", x, quote_text(fmt::format("\\x{:02X}", static_cast<int>(separator))));
  }

  // Spark's own isnan() says FALSE of NULL; NaN is equal to itself and above all.
  std::string is_nan(std::string_view x) const override {
    return fmt::format("({} = {})", x, literal(SqlType::number, "NaN"));
  }
  std::string is_infinite(std::string_view x) const override {
    return fmt::format("(abs({}) = {})", x, literal(SqlType::number, "Infinity"));
  }
  std::string is_finite(std::string_view x) const override {
    return fmt::format("(abs({}) < {})", x, literal(SqlType::number, "Infinity"));
  }
  std::string remainder(std::string_view x, std::string_view y) const override {
    return fmt::format("({} % {})", x, y);
  }

  std::string tuple(std::string_view list) const override { return fmt::format("struct({})", list); }
  std::string sum_of_integers(std::string_view x) const override {
    return cast(fmt::format("sum(CAST({} AS DECIMAL(19, 0)))", x), SqlType::number);
  }
  std::string approximately_distinct(std::string_view x) const override {
    return fmt::format("approx_count_distinct({}, 0.02)", x);
  }
  double approximation_error() const override { return 0.02; }

  // How many values there are, then how many lie at or below each edge.
  std::string histogram(std::string_view x, const std::vector<double>& edges) const override {
    std::string out = fmt::format("array(count({})", x);
    for (const double edge : edges) out += fmt::format(", count_if({} <= {})", x, literal(edge));
    return out + ")";
  }
  std::vector<int64_t> read_histogram(const Json& cell, const std::vector<double>& edges) const override {
    std::vector<int64_t> counts(edges.size() + 1, 0);
    if (!cell.is_array() || cell.size() != edges.size() + 1) return counts;
    int64_t below = 0;
    for (size_t i = 0; i < edges.size(); ++i) {
      const auto at_or_below = cell[i + 1].get<int64_t>();
      counts[i] = at_or_below - below;
      below = at_or_below;
    }
    counts.back() = cell[0].get<int64_t>() - below;
    return counts;
  }

  std::string quantiles(std::string_view x, std::span<const double> shares) const override {
    return fmt::format("percentile_approx({}, array({}), {})", x, fmt::join(shares, ", "), kQuantileAccuracy);
  }
  double quantile_error() const override { return 1.0 / kQuantileAccuracy; }

  // With multiLine one task reads a file from its start to its end, so that the number within the task is the row's.
  Result<FileSql> file(const FileForm& form) const override {
    const auto path = literal_path(form.path);
    if (form.kind == FileForm::Kind::parquet) {
      const auto read = "parquet." + quote_name(path);
      return FileSql{.plain = read, .numbered = read, .row = "_metadata.row_index + 1"};
    }
    if (form.kind == FileForm::Kind::json_lines) return refused("JSON lines");
    if (form.keep_empty) return refused("tables of a database");
    if (form.quote != '\0' && form.escape != form.quote) return refused("CSV whose quotes are escaped, not doubled");
    const auto name = quote_name("millrace_file_" + digest_of(form.path).substr(7, 16));
    const auto quote = quote_text(form.quote == '\0' ? "" : std::string(1, form.quote));
    std::string columns;
    for (size_t i = 0; i < form.columns.size(); ++i) columns += fmt::format("{}c{} STRING", i == 0 ? "" : ", ", i);
    return FileSql{
        .before = fmt::format("CREATE OR REPLACE TEMPORARY VIEW {} ({}) USING csv OPTIONS (path {}, header "
                              "'{}', sep {}, quote {}, escape {}, nullValue '', emptyValue '', multiLine "
                              "'true', mode 'FAILFAST', columnPruning 'false', encoding 'UTF-8')",
                              name, columns, quote_text(path), form.header, quote_text(std::string(1, form.delimiter)),
                              quote, form.quote == '\0' ? quote_text("\\") : quote),
        .plain = name,
        .numbered = name,
        .row = "(monotonically_increasing_id() & 8589934591) + 1"};
  }

  std::string rows_of(const std::vector<std::string>& constants, std::string_view name) const override {
    return fmt::format("SELECT explode(array({})) AS {}", fmt::join(constants, ", "), quote_name(name));
  }
  std::string make_table(std::string_view name, std::string_view select) const override {
    return make_view(name, select);
  }
  std::string make_view(std::string_view name, std::string_view select) const override {
    return fmt::format("CREATE OR REPLACE TEMPORARY VIEW {} AS {}", quote_name(name), select);
  }

 private:
  static Error refused(std::string_view what) {
    return Error{Code::unsupported, fmt::format("{} are not read on Spark", what)}.hint(
        "write Parquet, or check it with --engine duckdb");
  }
};

}  // namespace

const Dialect& dialect() {
  static const SparkDialect dialect;
  return dialect;
}

}  // namespace millrace::engine::spark
