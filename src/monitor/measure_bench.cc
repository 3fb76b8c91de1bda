// One window of many predictions: 20 inputs, a score, a label for each. The memory is the process's peak.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <fmt/format.h>

#include "core/files.h"
#include "core/testing.h"
#include "monitor/measure.h"

namespace millrace::monitor {
namespace {

constexpr int kInputs = 20;

// Ids as the log has them: a function of the row.
constexpr std::string_view kId =
    "'01890a5d-ac96-774b-' || substr(printf('%016x', i), 1, 4) || '-' || substr(printf('%016x', i), 5)";

void write(engine::Engine& engine, const std::string& select, const std::string& path) {
  const auto done =
      engine.execute(fmt::format("COPY ({}) TO {} ({})", select, engine::quote_text(path), engine::copy_options()));
  if (!done) fmt::print(stderr, "{}\n", done.error().text()), std::abort();
}

void one_window(benchmark::State& state) {
  testing::Folder folder;
  if (!make_folders(folder / "tmp")) std::abort();
  auto engines = *engine::load_duckdb(library_folder() + "/libduckdb.so");
  const auto rows = state.range(0);
  std::string inputs, taught;
  for (int i = 0; i < kInputs; ++i) {
    const auto value = i % 5 == 4 ? fmt::format("'c' || (hash(i * {}) % 30)", i + 1)
                                  : fmt::format("CAST((hash(i * {}) % 100000) AS DOUBLE) / 100", i + 1);
    inputs += fmt::format(", {} AS in_x{}", value, i);
    taught += fmt::format("{}{} AS x{}", i == 0 ? "" : ", ", value, i);
  }
  {
    auto engine = *engines->open({.temp_folder = folder / "tmp"});
    write(*engine,
          fmt::format(
              "SELECT {} AS prediction_id, CAST(0 AS BIGINT) AS \"row\", make_timestamptz(1370000000000000 + i) "
              "AS event_time, 'default' AS workspace, 'release:late@1' AS \"release\", 'stable' AS arm, 'late' AS "
              "model, CAST(1 AS BIGINT) AS version, 'answered' AS status, '' AS \"input\", '' AS field, '' AS "
              "rule, CAST(hash(i) % 5000 AS BIGINT) AS duration_us, CAST(CAST((hash(i) % 1000000) / 1e6 AS FLOAT) "
              "AS DOUBLE) AS out_score{} FROM range({}) r(i)",
              kId, inputs, rows),
          folder / "log.parquet");
    write(*engine,
          fmt::format(
              "SELECT {} AS prediction_id, CAST(0 AS BIGINT) AS row_number, CAST(hash(i + 7) % 5 = 0 AS BIGINT) AS "
              "label, CAST(1 AS BIGINT) AS revision FROM range({}) r(i)",
              kId, rows),
          folder / "labels.parquet");
    write(*engine, fmt::format("SELECT {} FROM range(100000) r(i)", taught), folder / "taught.parquet");
  }
  auto reference = std::make_shared<Reference>();
  reference->inputs = *profile_file(
      *engines, {.path = folder / "taught.parquet", .temp_folder = folder / "tmp", .missing = -1, .only = {}});
  for (auto _ : state) {
    const auto measured = measure_window(*engines,
                                         {.workspace = "default",
                                          .from = 0,
                                          .to = Micros{2'000'000'000'000'000},
                                          .files = {folder / "log.parquet"},
                                          .labels = {folder / "labels.parquet"},
                                          .temp_folder = folder / "tmp",
                                          .missing = -1},
                                         [&](const std::string&, int64_t) {
                                           return Result<Compared>(Compared{0.5, reference});
                                         });
    if (!measured) state.SkipWithError(measured.error().text().c_str());
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  state.counters["peak_mib"] = static_cast<double>(usage.ru_maxrss) / 1024;
  state.SetItemsProcessed(state.iterations() * rows);
}
BENCHMARK(one_window)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace millrace::monitor
