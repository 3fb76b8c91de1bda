// What names, keys and values may be. The limits and the words of the refusals are those that MLflow's clients know.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/result.h"
#include "track/entities.h"
#include "track/tracking.h"

namespace millrace::track {

namespace bounds {
inline constexpr size_t batch_metrics = 1000, batch_params = 100, batch_tags = 100, batch_total = 1000;
inline constexpr size_t param_value = 6000, tag_value = 8000, key = 250;
inline constexpr size_t experiment_name = 500, experiment_tag_value = 20'000;
inline constexpr size_t dataset_name = 500, dataset_digest = 36, dataset_schema = (1 << 20) - 1,
                        dataset_source = (1 << 16) - 1;
inline constexpr size_t dataset_profile = (1 << 24) - 1, datasets = 1000, input_tag_key = 255, input_tag_value = 500;
inline constexpr size_t page_runs = 50'000, page_models = 1'000, page_history = 25'000;
inline constexpr size_t filter_bytes = 32 << 10, order_by = 20, manifest_files = 100'000, experiment_ids = 10'000,
                        search_datasets = 100;
}  // namespace bounds

size_t characters_in(std::string_view utf8);

Result<void> check_run_id(std::string_view id);
Result<void> check_experiment_id(std::string_view id);
Result<void> check_experiment_name(std::string_view name);
Result<void> check_model_name(std::string_view name);
Result<void> check_experiment_tag(const KeyValue& tag);
// `path` names the field in refusals: "metrics[3].name".
Result<void> check_metric(const Metric& metric, const std::string& path);
Result<void> check_param(const KeyValue& param, const std::string& path);
Result<void> check_tag(const KeyValue& tag, const std::string& path);
Result<void> check_batch(const Batch& batch);
Result<void> check_status(std::string_view status);
Result<void> check_datasets(const std::vector<DatasetInput>& datasets);
Result<void> check_page(int64_t max_results, size_t most);

// "brisk-heron-417": for runs and models that come without a name.
std::string make_name(Random& random);

}  // namespace millrace::track
