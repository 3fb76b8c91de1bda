// Our evaluator beside a reference: the same rows through both, and what one row costs each.
#pragma once
#include <string>

#include "core/clock.h"
#include "serve/trees/tree_model.h"

namespace millrace::serve::trees {

struct Trial {
  size_t rows = 0;                         // that were compared
  std::string difference;                  // "" = none; otherwise the first one, in words
  double native_us = 0, reference_us = 0;  // of one row, the best of some; 0 when there is a difference
};

// Names, types and shapes of inputs and outputs, and every byte of the outputs: rows alone and in batches of several
// sizes, because runtimes take other ways for those.
Trial compare(const TreeModel& native, const Model& reference, const Clock& clock);

}  // namespace millrace::serve::trees
