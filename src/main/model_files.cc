#include "main/model_files.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/files.h"

namespace millrace {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 4> kEndings{".onnx", ".json", ".ubj", ".txt"};
constexpr size_t kNamed = 10;

bool can_be_model(const fs::path& path) {
  return std::find(kEndings.begin(), kEndings.end(), path.extension().string()) != kEndings.end() &&
         !path.filename().string().starts_with('.');
}

}  // namespace

Result<std::string> model_file_in(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return path;
  std::vector<std::string> models;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error))
    if (can_be_model(at->path()) && fs::is_regular_file(at->path(), error)) models.push_back(at->path().filename());
  if (error) return file_error("cannot list the folder of the model", path, error.value());
  std::sort(models.begin(), models.end());
  if (models.size() == 1) return path + "/" + models.front();
  if (models.empty())
    return Error{Code::not_found, "the folder has no model file"}
        .at({.file = path})
        .hint(fmt::format("a model ends in {}", fmt::join(kEndings, ", ")));
  if (models.size() > kNamed) models.resize(kNamed);
  return Error{Code::invalid, fmt::format("the folder has several model files: {}", fmt::join(models, ", "))}
      .at({.file = path})
      .hint("name one: --model NAME=FILE");
}

}  // namespace millrace
