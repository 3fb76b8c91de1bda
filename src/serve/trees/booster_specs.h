// How LightGBM's and XGBoost's models look to clients, whoever runs them: one matrix in, the answers of
// Booster.predict() out, a number a row, or a row of numbers where there are several outputs.
#pragma once
#include <string_view>
#include <vector>

#include "serve/tensor.h"

namespace millrace::serve::trees {

struct BoosterSpecs {
  std::string_view platform;
  std::vector<TensorSpec> inputs, outputs;
};

inline BoosterSpecs booster_specs(std::string_view platform, DType type, size_t features, size_t outputs) {
  const auto columns = static_cast<int64_t>(outputs);
  return {.platform = platform,
          .inputs = {{.name = "input", .type = type, .shape = {-1, static_cast<int64_t>(features)}}},
          .outputs = {{.name = "predict", .type = type, .shape = outputs == 1 ? Shape{-1} : Shape{-1, columns}}}};
}

inline BoosterSpecs lightgbm_specs(size_t features, size_t outputs) {
  return booster_specs("lightgbm_text", DType::fp64, features, outputs);
}

inline BoosterSpecs xgboost_specs(size_t features, size_t outputs, bool ubj) {
  return booster_specs(ubj ? "xgboost_ubj" : "xgboost_json", DType::fp32, features, outputs);
}

}  // namespace millrace::serve::trees
