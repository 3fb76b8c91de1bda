#include <mutex>

#include "serve/opened_once.h"
#include "serve/trees/booster_specs.h"
#include "serve/trees/libraries.h"
#include "serve/trees/shared_library.h"

namespace millrace::serve::trees {
namespace {

constexpr int kFloat64 = 1, kRowMajor = 1, kNormal = 0, kAllIterations = -1;
constexpr const char* kParameters = "num_threads=1";

// The functions of include/LightGBM/c_api.h that we call. 0 is success.
struct Lightgbm {
  const char* (*last_error)() = nullptr;
  int (*register_log)(void (*)(const char*)) = nullptr;
  int (*load)(const char*, int*, void**) = nullptr;
  int (*release)(void*) = nullptr;
  int (*features)(void*, int*) = nullptr;
  int (*predict)(void*, const void*, int, int32_t, int32_t, int, int, int, int, const char*, int64_t*,
                 double*) = nullptr;
  int (*prepare_row)(void*, int, int, int, int, int32_t, const char*, void**) = nullptr;
  int (*predict_row)(void*, const void*, int64_t*, double*) = nullptr;
  int (*release_row)(void*) = nullptr;
  int (*outputs)(void*, int, int, int, int, int64_t*) = nullptr;

  static Result<std::shared_ptr<const Lightgbm>> open(const std::string& path) {
    MILLRACE_TRY(const auto library, SharedLibrary::open("LightGBM", path));
    Lightgbm out;
    MILLRACE_DO(library.find("LGBM_GetLastError", out.last_error));
    MILLRACE_DO(library.find("LGBM_RegisterLogCallback", out.register_log));
    MILLRACE_DO(library.find("LGBM_BoosterLoadModelFromString", out.load));
    MILLRACE_DO(library.find("LGBM_BoosterFree", out.release));
    MILLRACE_DO(library.find("LGBM_BoosterGetNumFeature", out.features));
    MILLRACE_DO(library.find("LGBM_BoosterPredictForMat", out.predict));
    MILLRACE_DO(library.find("LGBM_BoosterPredictForMatSingleRowFastInit", out.prepare_row));
    MILLRACE_DO(library.find("LGBM_BoosterPredictForMatSingleRowFast", out.predict_row));
    MILLRACE_DO(library.find("LGBM_FastConfigFree", out.release_row));
    MILLRACE_DO(library.find("LGBM_BoosterCalcNumPredict", out.outputs));
    out.register_log([](const char*) {});  // it writes to standard output otherwise
    return std::make_shared<const Lightgbm>(out);
  }
  Result<void> check(int status) const {
    if (status == 0) return {};
    return Error{Code::invalid, std::string(last_error()).substr(0, 400)}.while_doing("calling LightGBM");
  }
};

class LightgbmModel final : public Model {
 public:
  explicit LightgbmModel(std::shared_ptr<const Lightgbm> library) : opened_(std::move(library)), library_(*opened_) {}
  LightgbmModel(const LightgbmModel&) = delete;
  LightgbmModel& operator=(const LightgbmModel&) = delete;
  ~LightgbmModel() override {
    if (row_ != nullptr) library_.release_row(row_);
    if (booster_ != nullptr) library_.release(booster_);
  }

  Result<void> load(const std::string& text) {
    int iterations = 0, features = 0;
    MILLRACE_DO(library_.check(library_.load(text.c_str(), &iterations, &booster_)));
    MILLRACE_DO(library_.check(library_.features(booster_, &features)));
    MILLRACE_DO(library_.check(library_.outputs(booster_, 1, kNormal, 0, kAllIterations, &outputs_)));
    if (features < 1 || outputs_ < 1) return Error{Code::unsupported, "the model has no features or no outputs"};
    features_ = features;
    MILLRACE_DO(library_.check(
        library_.prepare_row(booster_, kNormal, 0, kAllIterations, kFloat64, features, kParameters, &row_)));
    specs_ = lightgbm_specs(static_cast<size_t>(features), static_cast<size_t>(outputs_));
    return {};
  }

  std::string_view platform() const override { return specs_.platform; }
  const std::vector<TensorSpec>& inputs() const override { return specs_.inputs; }
  const std::vector<TensorSpec>& outputs() const override { return specs_.outputs; }
  bool batched() const override { return true; }

  Result<std::vector<Tensor>> run(std::span<const Tensor> inputs, std::span<const size_t> wanted) const override {
    const int64_t rows = inputs[0].shape[0];
    if (rows > INT32_MAX) return Error{Code::too_large, "LightGBM takes fewer than 2^31 rows"};
    Tensor out{.type = DType::fp64, .shape = specs_.outputs[0].shape};
    out.shape[0] = rows;
    out.data.resize(static_cast<size_t>(rows * outputs_) * sizeof(double));
    if (rows > 0)
      MILLRACE_DO(library_.check(predict(inputs[0].data.data(), rows, reinterpret_cast<double*>(out.data.data()))));
    return std::vector<Tensor>(wanted.size(), out);
  }

 private:
  int predict(const void* values, int64_t rows, double* out) const {
    int64_t written = 0;
    if (rows != 1)
      return library_.predict(booster_, values, kFloat64, static_cast<int32_t>(rows), features_, kRowMajor, kNormal, 0,
                              kAllIterations, kParameters, &written, out);
    const std::lock_guard lock(row_mutex_);
    return library_.predict_row(row_, values, &written, out);
  }

  const std::shared_ptr<const Lightgbm> opened_;
  const Lightgbm& library_;
  void* booster_ = nullptr;
  void* row_ = nullptr;  // what was prepared for single rows; it has buffers of its own
  mutable std::mutex row_mutex_;
  int32_t features_ = 0;
  int64_t outputs_ = 0;
  BoosterSpecs specs_;
};

class LightgbmLibrary final : public Runtime {
 public:
  explicit LightgbmLibrary(std::string path) : library_(std::move(path)) {}

  Result<std::shared_ptr<const Model>> load(std::string_view bytes, const std::string& from) override {
    MILLRACE_TRY(const auto library, library_.get());
    auto model = std::make_shared<LightgbmModel>(library);
    if (auto loaded = model->load(std::string(bytes)); !loaded) return std::move(loaded).error().at({.file = from});
    return std::shared_ptr<const Model>(std::move(model));
  }

  std::string describe(std::string_view) override {
    const auto library = library_.get();
    return library ? "lightgbm" : library.error().message();
  }

 private:
  OpenedOnce<Lightgbm> library_;
};

}  // namespace

std::unique_ptr<Runtime> make_lightgbm_library(std::string path) {
  return std::make_unique<LightgbmLibrary>(std::move(path));
}

}  // namespace millrace::serve::trees
