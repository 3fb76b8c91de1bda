// What guard, log and counters cost a request, in this process: a contract of 14 ranges as bench/predict has, which
// reads these figures and compares them with its aims.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "core/context.h"
#include "core/files.h"
#include "core/testing.h"
#include "engine/engine.h"
#include "serve/guard.h"
#include "serve/prediction_log.h"
#include "serve/statistics.h"

namespace millrace::serve {
namespace {

constexpr int64_t kColumns = 14;

template <class T>
T value_of(Result<T> result) {
  if (!result) fmt::print(stderr, "{}\n", result.error().text()), std::abort();
  return std::move(*result);
}

std::unique_ptr<const Guard> guard_of(const std::string& folder) {
  std::string contract =
      "apiVersion: v3.1.0\nkind: DataContract\nid: rows\nname: rows\nversion: 1.0.0\nstatus: active\nschema:\n"
      "  - name: rows\n    logicalType: object\n    properties:\n";
  for (int64_t i = 0; i < kColumns; ++i)
    contract += fmt::format(
        "      - {{name: c{}, logicalType: integer, required: true, logicalTypeOptions: {{minimum: 0, maximum: "
        "100000}}}}\n",
        i);
  const std::string path = folder + "/rows.odcs.yaml";
  if (auto written = write_file(path, contract); !written) std::abort();
  const auto engines = value_of(engine::load_duckdb(library_folder() + "/libduckdb.so"));
  return value_of(load_guard(path, {{"x", DType::fp32, {-1, kColumns}}}, *engines));
}

std::vector<Tensor> rows_of(int64_t count) {
  Tensor x{.type = DType::fp32, .shape = {count, kColumns}};
  for (int64_t i = 0; i < count * kColumns; ++i) x.push(static_cast<float>(i * 7919 % 99'991));
  return {std::move(x)};
}

void guard(benchmark::State& state) {
  const millrace::testing::Folder place;
  const auto guard = guard_of(place.path());
  const auto rows = rows_of(state.range(0));
  for (auto _ : state) {
    const auto verdict = guard->judge(rows, GuardMode::reject);
    if (verdict.refusal) state.SkipWithError(verdict.refusal->message.c_str());
  }
}
BENCHMARK(guard)->Arg(1)->Arg(100);

// Record and counters of an answered request, as the data plane writes them.
void log_and_counters(benchmark::State& state) {
  const millrace::testing::Folder place;
  Clock& clock = system_clock();
  Context context{clock, system_random(), silent_log()};
  const auto log = value_of(PredictionLog::open({.folder = place.path()}, context));
  const int64_t count = state.range(0);
  const auto inputs = rows_of(count);
  Tensor label{.type = DType::int64, .shape = {count}}, scores{.type = DType::fp32, .shape = {count, 2}};
  for (int64_t i = 0; i < count; ++i) label.push(i % 2), scores.push(0.25F), scores.push(0.75F);
  const std::vector<Tensor> outputs{label, scores};
  const std::vector<size_t> wanted{0, 1};
  const ArmKey arm = ArmKey::of({.deployment = "rows",
                                 .inputs = {{"x", DType::fp32, {-1, kColumns}}},
                                 .outputs = {{"label", DType::int64, {-1}}, {"scores", DType::fp32, {-1, 2}}}});
  Statistics statistics;
  for (auto _ : state) {
    const Micros began = clock.steady();
    PredictionFacts facts{.id = context.uuid(), .event_time = clock.now(), .arrived_at = began};
    if (!log->append(arm, encode(arm.key, facts, inputs, wanted, outputs))) state.SkipWithError("not written");
    const RunTimes times{.log_us = static_cast<uint64_t>(clock.steady() - began)};
    statistics.request_us += times.log_us;
    statistics.log_us += times.log_us;
    statistics.latency.add(times.log_us, began);
    ++statistics.success;
    statistics.rows += static_cast<uint64_t>(count);
    ++statistics.executions;
    statistics.batches.add(static_cast<uint64_t>(count), times);
  }
}
BENCHMARK(log_and_counters)->Arg(1)->Arg(100);

}  // namespace
}  // namespace millrace::serve
