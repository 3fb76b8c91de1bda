#include "track/names.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "core/json.h"

namespace millrace::track {
namespace {

bool is_word(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || (u >= '0' && u <= '9') || u == '_' || u >= 0x80;
}

bool is_ascii_word(char c) { return is_word(c) && static_cast<unsigned char>(c) < 0x80; }

bool is_id(std::string_view id, size_t longest) {
  if (id.empty() || id.size() > longest || id[0] == '_' || !is_ascii_word(id[0])) return false;
  return std::all_of(id.begin(), id.end(), [](char c) { return is_ascii_word(c) || c == '-'; });
}

std::string quoted(std::string_view text) { return to_text(Json(std::string(text.substr(0, 250)))); }

Error invalid_value(std::string_view path, std::string_view value, std::string_view why) {
  return Error{Code::invalid,
               fmt::format("Invalid value {} for parameter '{}' supplied: {}", quoted(value), path, why)};
}

Error missing(std::string_view path) {
  return Error{Code::invalid, fmt::format("Missing value for required parameter '{}'.", path)};
}

// A key must be its own normalised path: keys become file names in exports.
bool is_own_path(std::string_view key) {
  if (key == "." || key.front() == '/') return false;
  for (size_t from = 0; from <= key.size();) {
    const size_t to = std::min(key.find('/', from), key.size());
    const auto part = key.substr(from, to - from);
    if (part.empty() || part == "." || part == "..") return false;
    from = to + 1;
  }
  return true;
}

Result<void> check_length(std::string_view what, std::string_view value, size_t longest) {
  const size_t length = characters_in(value);
  if (length <= longest) return {};
  return Error{Code::invalid, fmt::format("{} '{}' had length {}, which exceeded length limit of {}", what,
                                          value.substr(0, 80), length, longest)};
}

Result<void> check_key(std::string_view what, std::string_view key, const std::string& path) {
  if (key.empty()) return missing(path);
  const bool plain = std::all_of(key.begin(), key.end(), [](char c) {
    return is_word(c) || c == '/' || c == '.' || c == '-' || c == ' ' || c == ':';
  });
  if (!plain)
    return invalid_value(path, key,
                         "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), "
                         "colon(:) and slashes (/).");
  if (!is_own_path(key))
    return invalid_value(path, key,
                         "a name must equal itself when it is read as a file path (no '..', '//' or leading '/')");
  return check_length(what, key, bounds::key);
}

}  // namespace

size_t characters_in(std::string_view utf8) {
  return static_cast<size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

Result<void> check_run_id(std::string_view id) {
  if (id.empty()) return missing("run_id");
  if (!is_id(id, 256))
    return invalid_value("run_id", id, "Invalid run ID: a run ID has letters, digits, '_' and '-', at most 256");
  return {};
}

Result<void> check_experiment_id(std::string_view id) {
  if (!is_id(id, 64))
    return invalid_value("experiment_id", id,
                         "Invalid experiment ID: an experiment ID has letters, digits, '_' and '-', at most 64");
  return {};
}

Result<void> check_experiment_name(std::string_view name) {
  if (name.empty())
    return Error{Code::invalid, "Invalid experiment name: ''"}.hint("a name has at least one character");
  if (characters_in(name) > bounds::experiment_name)
    return Error{Code::invalid,
                 fmt::format("'name' exceeds the maximum length of {} characters", bounds::experiment_name)};
  return {};
}

Result<void> check_model_name(std::string_view name) {
  if (name.empty() || name.find_first_of("/:.%\"'") != std::string_view::npos)
    return Error{
        Code::invalid,
        fmt::format(
            "Invalid model name ({}) provided. Model name must be a non-empty string and cannot contain the following "
            "characters: ('/', ':', '.', '%', '\"', \"'\")",
            std::string(name.substr(0, 250)))};
  return check_length("Model name", name, bounds::experiment_name);
}

Result<void> check_experiment_tag(const KeyValue& tag) {
  MILLRACE_DO(check_key("Experiment tag key", tag.key, "key"));
  return check_length("Experiment tag value", tag.value, bounds::experiment_tag_value);
}

Result<void> check_metric(const Metric& metric, const std::string& path) {
  MILLRACE_DO(check_key("Metric name", metric.key, path + "name"));
  if (metric.timestamp < 0)
    return invalid_value(path + "timestamp", std::to_string(metric.timestamp),
                         "Timestamp must be a nonnegative long (64-bit integer)");
  MILLRACE_DO(check_length("Dataset name", metric.dataset_name, bounds::dataset_name));
  return check_length("Dataset digest", metric.dataset_digest, bounds::dataset_digest);
}

Result<void> check_param(const KeyValue& param, const std::string& path) {
  MILLRACE_DO(check_key("Param key", param.key, path + "key"));
  return check_length("Param value", param.value, bounds::param_value);
}

Result<void> check_tag(const KeyValue& tag, const std::string& path) {
  MILLRACE_DO(check_key("Tag key", tag.key, path + "key"));
  return check_length("Tag value", tag.value, bounds::tag_value);
}

Result<void> check_batch(const Batch& batch) {
  const auto too_many = [](std::string_view what, size_t most, size_t got) {
    return Error{Code::invalid, fmt::format("A batch logging request can contain at most {} {}. Got {} {}. Please "
                                            "split up {} across multiple requests and try again.",
                                            most, what, got, what, what)};
  };
  if (batch.metrics.size() > bounds::batch_metrics)
    return too_many("metrics", bounds::batch_metrics, batch.metrics.size());
  if (batch.params.size() > bounds::batch_params) return too_many("params", bounds::batch_params, batch.params.size());
  if (batch.tags.size() > bounds::batch_tags) return too_many("tags", bounds::batch_tags, batch.tags.size());
  const size_t total = batch.metrics.size() + batch.params.size() + batch.tags.size();
  if (total > bounds::batch_total) return too_many("metrics, params, and tags", bounds::batch_total, total);
  for (size_t i = 0; i < batch.metrics.size(); ++i)
    MILLRACE_DO(check_metric(batch.metrics[i], fmt::format("metrics[{}].", i)));
  std::set<std::string_view> keys;
  for (size_t i = 0; i < batch.params.size(); ++i) {
    MILLRACE_DO(check_param(batch.params[i], fmt::format("params[{}].", i)));
    if (!keys.insert(batch.params[i].key).second)
      return Error{Code::invalid, fmt::format("Duplicate parameter keys have been submitted: ['{}']. Please ensure the "
                                              "request contains only one param value per param key.",
                                              batch.params[i].key)};
  }
  for (size_t i = 0; i < batch.tags.size(); ++i) MILLRACE_DO(check_tag(batch.tags[i], fmt::format("tags[{}].", i)));
  return {};
}

Result<void> check_status(std::string_view status) {
  for (const std::string_view known : {"RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"})
    if (status == known) return {};
  return invalid_value("status", status, "a run is RUNNING, SCHEDULED, FINISHED, FAILED or KILLED");
}

Result<void> check_datasets(const std::vector<DatasetInput>& datasets) {
  if (datasets.size() > bounds::datasets)
    return Error{Code::invalid, fmt::format("A log-inputs request can contain at most {} datasets. Got {}.",
                                            bounds::datasets, datasets.size())};
  for (size_t i = 0; i < datasets.size(); ++i) {
    const auto& set = datasets[i].dataset;
    const auto path = fmt::format("datasets[{}].dataset.", i);
    if (set.name.empty()) return missing(path + "name");
    if (set.digest.empty()) return missing(path + "digest");
    if (set.source_type.empty()) return missing(path + "source_type");
    if (set.source.empty()) return missing(path + "source");
    MILLRACE_DO(check_length("Dataset name", set.name, bounds::dataset_name));
    MILLRACE_DO(check_length("Dataset digest", set.digest, bounds::dataset_digest));
    MILLRACE_DO(check_length("Dataset source type", set.source_type, bounds::dataset_digest));
    MILLRACE_DO(check_length("Dataset source", set.source, bounds::dataset_source));
    MILLRACE_DO(check_length("Dataset schema", set.schema, bounds::dataset_schema));
    MILLRACE_DO(check_length("Dataset profile", set.profile, bounds::dataset_profile));
    for (const auto& tag : datasets[i].tags) {
      if (tag.key.empty()) return missing(fmt::format("datasets[{}].tags.key", i));
      MILLRACE_DO(check_length("Input tag key", tag.key, bounds::input_tag_key));
      MILLRACE_DO(check_length("Input tag value", tag.value, bounds::input_tag_value));
    }
  }
  return {};
}

Result<void> check_page(int64_t max_results, size_t most) {
  if (max_results >= 1 && max_results <= static_cast<int64_t>(most)) return {};
  return Error{
      Code::invalid,
      fmt::format("Invalid value {} for parameter 'max_results' supplied: It must be a positive integer and at most {}",
                  max_results, most)};
}

std::string make_name(Random& random) {
  static constexpr std::array adjectives = {
      "able",   "amber", "brave",  "brisk",   "calm",  "clean", "clever", "crisp",  "deft",  "eager",
      "fair",   "fleet", "gentle", "glad",    "grand", "keen",  "kind",   "lively", "lucky", "mellow",
      "merry",  "neat",  "nimble", "patient", "plain", "proud", "quick",  "quiet",  "rapid", "sharp",
      "silent", "sleek", "smart",  "steady",  "sunny", "swift", "tidy",   "vivid",  "warm",  "wise"};
  static constexpr std::array nouns = {"ant",   "badger", "bear",  "bee",   "bird", "carp",   "cat",   "crane", "crow",
                                       "deer",  "dove",   "duck",  "eel",   "elk",  "falcon", "finch", "fox",   "frog",
                                       "goat",  "goose",  "gull",  "hare",  "hawk", "heron",  "horse", "lark",  "lynx",
                                       "mole",  "moth",   "newt",  "otter", "owl",  "perch",  "pike",  "quail", "raven",
                                       "robin", "seal",   "shrew", "swan",  "toad", "trout",  "wren",  "wolf"};
  const uint64_t bits = random.next();
  return fmt::format("{}-{}-{}", adjectives[bits % adjectives.size()], nouns[(bits >> 16) % nouns.size()],
                     100 + (bits >> 32) % 900);
}

}  // namespace millrace::track
