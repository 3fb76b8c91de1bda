#include <mutex>

#include "serve/opened_once.h"
#include "serve/trees/booster_specs.h"
#include "serve/trees/libraries.h"
#include "serve/trees/shared_library.h"

namespace millrace::serve::trees {
namespace {

// Answers as Booster.predict() gives them, of all trees; always two dimensions.
constexpr const char* kPrediction =
    R"({"type":0,"training":false,"iteration_begin":0,"iteration_end":0,"missing":NaN,"strict_shape":true,"cache_id":0})";
constexpr const char* kMatrixPrediction =
    R"({"type":0,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":true})";

// The functions of include/xgboost/c_api.h that we call. 0 is success.
struct Xgboost {
  const char* (*last_error)() = nullptr;
  void (*version)(int*, int*, int*) = nullptr;
  int (*register_log)(void (*)(const char*)) = nullptr;
  int (*create)(const void*, uint64_t, void**) = nullptr;
  int (*release)(void*) = nullptr;
  int (*load)(void*, const void*, uint64_t) = nullptr;
  int (*set)(void*, const char*, const char*) = nullptr;
  int (*features)(void*, uint64_t*) = nullptr;
  int (*predict)(void*, const char*, const char*, void*, const uint64_t**, uint64_t*, const float**) = nullptr;
  int (*make_matrix)(const char*, const char*, void**) = nullptr;
  int (*release_matrix)(void*) = nullptr;
  int (*predict_matrix)(void*, void*, const char*, const uint64_t**, uint64_t*, const float**) = nullptr;
  int (*configuration)(void*, uint64_t*, const char**) = nullptr;

  static Result<std::shared_ptr<const Xgboost>> open(const std::string& path) {
    MILLRACE_TRY(const auto library, SharedLibrary::open("XGBoost", path));
    Xgboost out;
    MILLRACE_DO(library.find("XGBGetLastError", out.last_error));
    MILLRACE_DO(library.find("XGBoostVersion", out.version));
    MILLRACE_DO(library.find("XGBRegisterLogCallback", out.register_log));
    MILLRACE_DO(library.find("XGBoosterCreate", out.create));
    MILLRACE_DO(library.find("XGBoosterFree", out.release));
    MILLRACE_DO(library.find("XGBoosterLoadModelFromBuffer", out.load));
    MILLRACE_DO(library.find("XGBoosterSetParam", out.set));
    MILLRACE_DO(library.find("XGBoosterGetNumFeature", out.features));
    MILLRACE_DO(library.find("XGBoosterPredictFromDense", out.predict));
    MILLRACE_DO(library.find("XGDMatrixCreateFromDense", out.make_matrix));
    MILLRACE_DO(library.find("XGDMatrixFree", out.release_matrix));
    MILLRACE_DO(library.find("XGBoosterPredictFromDMatrix", out.predict_matrix));
    MILLRACE_DO(library.find("XGBoosterSaveJsonConfig", out.configuration));
    out.register_log([](const char*) {});
    return std::make_shared<const Xgboost>(out);
  }
  // Of an error only its first line: the others are a stack.
  Result<void> check(int status) const {
    if (status == 0) return {};
    std::string text = last_error();
    text = text.substr(0, std::min<size_t>(text.find('\n'), 400));
    return Error{Code::invalid, std::move(text)}.while_doing("calling XGBoost");
  }
};

class XgboostModel final : public Model {
 public:
  explicit XgboostModel(std::shared_ptr<const Xgboost> library) : opened_(std::move(library)), library_(*opened_) {}
  XgboostModel(const XgboostModel&) = delete;
  XgboostModel& operator=(const XgboostModel&) = delete;
  ~XgboostModel() override {
    if (booster_ != nullptr) library_.release(booster_);
  }

  Result<void> load(std::string_view bytes) {
    uint64_t features = 0;
    MILLRACE_DO(library_.check(library_.create(nullptr, 0, &booster_)));
    MILLRACE_DO(library_.check(library_.load(booster_, bytes.data(), bytes.size())));
    MILLRACE_DO(library_.check(library_.set(booster_, "nthread", "1")));
    MILLRACE_DO(library_.check(library_.features(booster_, &features)));
    if (features < 1) return Error{Code::unsupported, "the model has no features"};
    const auto second = bytes.find_first_not_of(" \t\r\n", bytes.find('{') + 1);
    const bool ubj = second == std::string_view::npos || bytes[second] != '"';
    specs_ = xgboost_specs(features, 1, ubj);
    uint64_t length = 0;
    const char* configuration = nullptr;
    MILLRACE_DO(library_.check(library_.configuration(booster_, &length, &configuration)));
    // The short way is for trees only, and rounds dart's weights in another order than Booster.predict() does.
    const std::string_view text(configuration, length);
    by_matrix_ = text.find(R"("name":"gbtree")") == text.npos || text.find(R"("name":"dart")") != text.npos;
    const std::vector<float> zeros(features, 0.0F);
    MILLRACE_TRY(const auto answer, predict(zeros.data(), 1));
    specs_ = xgboost_specs(features, answer.data.size() / sizeof(float), ubj);
    return {};
  }

  std::string_view platform() const override { return specs_.platform; }
  const std::vector<TensorSpec>& inputs() const override { return specs_.inputs; }
  const std::vector<TensorSpec>& outputs() const override { return specs_.outputs; }
  bool batched() const override { return true; }

  Result<std::vector<Tensor>> run(std::span<const Tensor> inputs, std::span<const size_t> wanted) const override {
    MILLRACE_TRY(const auto out, predict(reinterpret_cast<const float*>(inputs[0].data.data()), inputs[0].shape[0]));
    return std::vector<Tensor>(wanted.size(), out);
  }

 private:
  // What the library answers lies in memory of the thread that asked.
  Result<Tensor> predict(const float* values, int64_t rows) const {
    Tensor out{.type = DType::fp32, .shape = specs_.outputs[0].shape};
    out.shape[0] = rows;
    if (rows == 0) return out;
    const std::string matrix = fmt::format(R"({{"data":[{},true],"shape":[{},{}],"typestr":"<f4","version":3}})",
                                           reinterpret_cast<uintptr_t>(values), rows, specs_.inputs[0].shape[1]);
    const uint64_t* shape = nullptr;
    uint64_t dimensions = 0;
    const float* answers = nullptr;
    std::unique_lock<std::mutex> alone;
    if (by_matrix_) {
      alone = std::unique_lock(mutex_);
      MILLRACE_DO(predict_by_matrix(matrix, shape, dimensions, answers));
    } else {
      MILLRACE_DO(library_.check(
          library_.predict(booster_, matrix.c_str(), kPrediction, nullptr, &shape, &dimensions, &answers)));
    }
    size_t count = 1;
    for (uint64_t i = 0; i < dimensions; ++i) count *= shape[i];
    const auto* bytes = reinterpret_cast<const std::byte*>(answers);
    out.data.assign(bytes, bytes + count * sizeof(float));
    return out;
  }

  // Not for two threads at once: the booster caches what it predicts of a matrix.
  Result<void> predict_by_matrix(const std::string& values, const uint64_t*& shape, uint64_t& dimensions,
                                 const float*& answers) const {
    void* matrix = nullptr;
    MILLRACE_DO(library_.check(library_.make_matrix(values.c_str(), R"({"missing":NaN,"nthread":1})", &matrix)));
    auto done =
        library_.check(library_.predict_matrix(booster_, matrix, kMatrixPrediction, &shape, &dimensions, &answers));
    library_.release_matrix(matrix);
    return done;
  }

  const std::shared_ptr<const Xgboost> opened_;
  const Xgboost& library_;
  void* booster_ = nullptr;
  bool by_matrix_ = false;
  mutable std::mutex mutex_;  // of predictions by matrix
  BoosterSpecs specs_;
};

class XgboostLibrary final : public Runtime {
 public:
  explicit XgboostLibrary(std::string path) : library_(std::move(path)) {}

  Result<std::shared_ptr<const Model>> load(std::string_view bytes, const std::string& from) override {
    MILLRACE_TRY(const auto library, library_.get());
    auto model = std::make_shared<XgboostModel>(library);
    if (auto loaded = model->load(bytes); !loaded) return std::move(loaded).error().at({.file = from});
    return std::shared_ptr<const Model>(std::move(model));
  }

  std::string describe(std::string_view) override {
    const auto library = library_.get();
    if (!library) return library.error().message();
    int major = 0, minor = 0, patch = 0;
    (*library)->version(&major, &minor, &patch);
    return fmt::format("xgboost {}.{}.{}", major, minor, patch);
  }

 private:
  OpenedOnce<Xgboost> library_;
};

}  // namespace

std::unique_ptr<Runtime> make_xgboost_library(std::string path) {
  return std::make_unique<XgboostLibrary>(std::move(path));
}

}  // namespace millrace::serve::trees
