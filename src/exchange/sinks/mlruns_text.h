// Files of MLflow's file store as text, and what its folders cannot hold. Pure, but for write_pairs().
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "exchange/points.h"
#include "track/entities.h"

namespace millrace::exchange {

// A YAML map, one key a line, in the order of add().
class YamlText {
 public:
  YamlText& add(std::string_view key, std::string_view text);  // double-quoted: any text stays what it is
  YamlText& add(std::string_view key, int64_t number);
  YamlText& add_null(std::string_view key);
  YamlText& add_or_null(std::string_view key, std::string_view text) {
    return text.empty() ? add_null(key) : add(key, text);
  }
  YamlText& add(std::string_view key, const std::vector<track::KeyValue>& pairs);
  YamlText& add_raw(std::string_view key, std::string_view yaml);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Keys are paths below a folder. `unsupported` for one that is no path, and for one that is another's folder.
Result<void> check_keys(const std::vector<std::string>& keys, std::string_view what);
// One word of a path: a registered model's name, an alias. `unsupported` for what is none.
Result<void> check_name(const std::string& name, std::string_view what);

// A line of a run's metric file. A point on a logged model says its dataset in the model's file: the package that reads
// these files forgets the step of a line with a dataset.
// `unsupported` for a dataset with a space in its name: the line would be read as broken.
Result<std::string> metric_line(const Point& point);
// A line of a logged model's metric file.
Result<std::string> model_metric_line(const track::Metric& metric);

// One file a pair below `folder`, which is emptied first.
Result<void> write_pairs(const std::string& folder, const std::vector<track::KeyValue>& pairs, std::string_view what);

}  // namespace millrace::exchange
