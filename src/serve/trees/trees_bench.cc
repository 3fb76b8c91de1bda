// One call of a tree ensemble, by our evaluator and by the library of its format. bench/trees makes the models, names
// their folder in MILLRACE_BENCH_MODELS, and compares.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <numeric>

#include "core/clock.h"
#include "core/files.h"
#include "serve/runtimes.h"

namespace millrace::serve {
namespace {

// Rows of 32-bit floats, as many as the model has columns, from the start of a file.
Tensor read_rows(const std::string& path, const TensorSpec& input, int64_t count) {
  const auto bytes = read_file(path, 1 << 24);
  if (!bytes) fmt::print(stderr, "{}\n", bytes.error().text()), std::abort();
  Tensor out{.type = input.type, .shape = {count, input.shape[1]}};
  for (int64_t i = 0; i < count * input.shape[1]; ++i) {
    float value = 0;
    std::memcpy(&value, bytes->data() + static_cast<size_t>(i) * sizeof value, sizeof value);
    if (input.type == DType::fp32)
      out.push(value);
    else
      out.push(static_cast<double>(value));
  }
  return out;
}

std::vector<Tensor> split(const Tensor& rows, int64_t batch) {
  const size_t bytes = rows.data.size() / static_cast<size_t>(rows.shape[0]) * static_cast<size_t>(batch);
  std::vector<Tensor> out;
  for (size_t at = 0; at + bytes <= rows.data.size(); at += bytes) {
    out.push_back({.type = rows.type, .shape = {batch, rows.shape[1]}, .data = {}});
    out.back().data.assign(rows.data.data() + at, rows.data.data() + at + bytes);
  }
  return out;
}

void one_call(benchmark::State& state, const char* file, const char* runtime) {
  const char* folder = std::getenv("MILLRACE_BENCH_MODELS");
  if (folder == nullptr) return state.SkipWithError("MILLRACE_BENCH_MODELS names no folder; run bench/trees");
  const std::string path = std::string(folder) + "/" + file;
  const ManualClock clock;
  const auto libraries = library_folder();
  const auto runtimes = make_runtimes(
      {.folder = libraries, .onnxruntime = libraries + "/libonnxruntime.so", .choice = runtime}, clock, silent_log());
  const auto bytes = read_file(path, 1 << 26);
  if (!bytes) return state.SkipWithError(bytes.error().text().c_str());
  const auto model = runtimes->load(*bytes, path);
  if (!model) return state.SkipWithError(model.error().text().c_str());
  const auto batches = split(read_rows(std::string(folder) + "/rows.f32", (*model)->inputs()[0], 1000), state.range(0));
  std::vector<size_t> wanted((*model)->outputs().size());
  std::iota(wanted.begin(), wanted.end(), size_t{0});
  size_t next = 0;
  for (auto _ : state) {
    auto answered = (*model)->run({&batches[next], 1}, wanted);
    benchmark::DoNotOptimize(answered);
    next = (next + 1) % batches.size();
  }
}

#define MILLRACE_TREES(name, file, runtime)                     \
  BENCHMARK_CAPTURE(one_call, name##_##runtime, file, #runtime) \
      ->Name("trees/" file "/" #runtime)                        \
      ->RangeMultiplier(10)                                     \
      ->Range(1, 1000)
MILLRACE_TREES(onnx, "model.onnx", native);
MILLRACE_TREES(onnx, "model.onnx", onnxruntime);
MILLRACE_TREES(lightgbm, "model.txt", native);
MILLRACE_TREES(lightgbm, "model.txt", lightgbm);
MILLRACE_TREES(xgboost, "model.ubj", native);
MILLRACE_TREES(xgboost, "model.ubj", xgboost);
#undef MILLRACE_TREES

}  // namespace
}  // namespace millrace::serve
