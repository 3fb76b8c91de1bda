// Bounds of tree ensembles (serve/trees), beside those of limits.h. A test reaches each of them.
#pragma once
#include <cstddef>

namespace millrace::limits {

inline constexpr size_t trees = 100'000;  // of one model
inline constexpr size_t tree_nodes = 8'000'000;
inline constexpr size_t tree_values = 32'000'000;  // of one attribute of an ONNX node, or of one list of a file
inline constexpr size_t tree_features = 65'535;
inline constexpr size_t tree_targets = 10'000;
inline constexpr size_t tree_sets_bytes = 256 << 20;  // of all sets of categories
inline constexpr size_t tree_document_depth = 32;     // objects in objects of an XGBoost file

}  // namespace millrace::limits
