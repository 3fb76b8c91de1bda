// A batch beside its reference, in memory: what the statistics of a comparison look at.
//
// The rows of the reference are parted into blocks: by time where a column tells it, else by their order in the files.
// How a statistic differs from block to block says how much it may differ between the reference and a good batch; the
// blocks of a reference that was shuffled differ by chance alone.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"
#include "data/inputs/input.h"
#include "engine/engine.h"

namespace millrace::data::compare {

inline constexpr size_t kSampleRows = 200'000;  // of each side; more are thinned out evenly
inline constexpr size_t kSampleColumns = 200;
inline constexpr size_t kMostBlocks = 10;
inline constexpr size_t kRowsOfABlock = 150;  // fewer rows make fewer blocks, down to 2

enum class Kind { number, text, time };

struct Column {
  std::string name;   // as in the files; of a derived one: that of its source
  std::string label;  // how sentences call it
  Kind kind = Kind::text;
  bool derived = false;            // the hour of a time, the time between two
  bool whole = false;              // every number of the reference is whole
  bool dated = false;              // follows the time: it moves by itself
  bool masked = false;             // its values are not shown
  std::vector<double> numbers;     // numbers and times (seconds since 1970); NaN = null
  std::vector<int32_t> codes;      // which of the distinct values, in their order; -1 = null
  std::vector<std::string> texts;  // what each code stands for

  bool is_null(size_t row) const { return codes[row] < 0; }
  std::string shown(int32_t code) const { return masked ? "(masked)" : texts[static_cast<size_t>(code)]; }
};

struct Sample {
  std::vector<Column> columns;
  std::vector<uint8_t> group;  // of each row: its block; `batch` for the rows of the batch, which come last
  size_t batch = 0;            // number of blocks
  bool timed = false;          // blocks follow a time
  size_t reference_rows = 0;   // rows [0, reference_rows) here are the reference's
  int64_t reference_step = 1, batch_step = 1;  // every how many-th row is here
  int64_t reference_total = 0, batch_total = 0;
  std::vector<int32_t> file;   // of each row of the batch
  std::vector<int64_t> place;  // its number in that file, from 1

  size_t rows() const { return group.size(); }
  size_t batch_rows() const { return rows() - reference_rows; }
  const Column* find(const std::string& name) const;  // no derived ones
};

// What the two sides' columns say before any value is looked at.
struct ColumnChange {
  std::string column;
  std::string what;  // missing | new | retyped
  std::string text;
};

struct SampleRequest {
  std::vector<InputFile> reference, batch;
  std::vector<std::string> masked;
};

// Reads the columns that both sides have. A column of text is read as numbers or times when nearly all of the
// reference's values are; a value of the batch that then is none counts as `wrong` and is null.
struct SampleRead {
  Sample sample;
  std::vector<ColumnChange> changes;
  std::vector<std::pair<std::string, int64_t>> wrong;  // column, rows of the batch
};
Result<SampleRead> read_sample(engine::Engine& session, const SampleRequest& request);

// The sample without the rows of the reference that `drop` names.
Sample without(const Sample& sample, const std::vector<char>& drop);

// Blocks, codes and what follows the time; for samples that a test fills by hand: columns (numbers or texts by codes),
// reference_rows and the number of rows of `group`.
void finish_sample(Sample& sample);

}  // namespace millrace::data::compare
