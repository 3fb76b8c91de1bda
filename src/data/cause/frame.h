// Rows of the batches around a boundary, in memory: what the statistics of a cause look at. Reading is one scan of each
// file; rows that were set aside count as well, because a fault often shows in them alone.
#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/result.h"
#include "data/datasets/datasets.h"
#include "engine/engine.h"
#include "store/blobs.h"

namespace millrace::data::cause {

inline constexpr size_t kFrameRows = 500'000;  // more are thinned out evenly, the same rows each time
inline constexpr size_t kFrameBatches = 60;    // the suspect one, those before it, and the one after
inline constexpr size_t kFrameColumns = 200;

struct FrameColumn {
  std::string name;
  bool number = false;
  bool clock = false;              // hour of the day of the event time; `name` is the event time's
  bool dated = false;              // tells the date (a month, a day): moves by itself and is no evidence
  bool masked = false;             // its values are not shown
  std::vector<double> numbers;     // of numbers; NaN = null
  std::vector<int32_t> codes;      // of all: which of the distinct values; -1 = null
  std::vector<std::string> texts;  // what each code stands for

  std::string shown(int32_t code) const { return masked ? "(masked)" : texts[static_cast<size_t>(code)]; }
  bool is_evidence() const { return !dated; }
};

struct Frame {
  std::string dataset;
  std::vector<DatasetVersion> batches;  // by period: those before, the suspect one, perhaps the one after
  size_t suspect = 0;                   // batches before it are the history
  int64_t step = 1;                     // every step-th row is here
  std::vector<uint8_t> batch;           // of each row
  std::vector<int32_t> day;             // of each row, since 1970; 0 for a dataset without event time
  std::vector<FrameColumn> columns;

  size_t rows() const { return batch.size(); }
  size_t history() const { return suspect; }
  bool has_later() const { return suspect + 1 < batches.size(); }
  const FrameColumn* find(const std::string& name) const;
};

struct FrameRequest {
  std::string event_time;               // "" for a snapshot
  std::vector<DatasetVersion> batches;  // as in Frame; at most kFrameBatches
  size_t suspect = 0;
  std::string temp_folder;
};

// `invalid` for more batches or columns than the bounds.
Result<Frame> read_frame(engine::Engines& engines, const store::Blobs& blobs, const FrameRequest& request);

// Numbers become codes, dates are recognised. For frames that a test fills by hand.
void finish_frame(Frame& frame);

}  // namespace millrace::data::cause
