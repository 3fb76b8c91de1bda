// Which dataset versions stand behind what a deployment was asked in a window.
#pragma once
#include <string>
#include <vector>

#include "data/datasets/datasets.h"
#include "monitor/records.h"
#include "registry/registry.h"
#include "store/database.h"

namespace millrace::monitor {

struct BatchSources {
  const store::Database& database;
  const data::Datasets& datasets;
  const registry::Registry& registry;
};

// Versions that are not rejected, have a period, and overlap the window's: those that the graph names upstream of the
// window (its requests were replayed from an out of the pipeline). Where it names none of them, those of every dataset
// behind the model on the deployment's traffic. By dataset and version; empty when nothing is known.
Result<std::vector<data::DatasetVersion>> batches_behind(const BatchSources& sources, const std::string& workspace,
                                                         const Window& window);

}  // namespace millrace::monitor
