// Metric points on their way from one store to another: how two stores' points are compared.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace millrace::exchange {

// The logged model, and the dataset, that a point was measured on. Either may be "".
struct Measured {
  std::string model_id, dataset_name, dataset_digest;
};

// A point of one key of one run. There may be millions: what few have is behind a pointer.
struct Point {
  int64_t timestamp = 0, step = 0;
  double value = 0;                    // may be NaN or infinite
  std::shared_ptr<const Measured> on;  // null: nothing said
};

// Says of `points` which model and dataset they were measured on. A point of a second model, or one that the run does
// not have, is added.
void say_measured(std::vector<Point>& points, std::vector<Point> on_models);

// As tracking keeps them: infinities are the largest finite numbers, there is one zero, a repeated point is there once.
// Sorted by timestamp, step, value and model.
void settle(std::vector<Point>& points);

// Of settled points: their number without regard to models, and the digest over timestamp, step and the bits of value.
struct Series {
  int64_t count = 0;
  std::string digest;
};
Series series_of(const std::vector<Point>& settled);

// The points that were measured on one logged model, by any run, in any order: their number and the exclusive or of
// their digests.
class MeasuredSet {
 public:
  void add(const std::string& run, const std::string& key, const Point& point);
  int64_t count() const { return count_; }
  std::string text() const;  // the same for the same points

 private:
  int64_t count_ = 0;
  std::array<uint64_t, 4> bits_{};
};

}  // namespace millrace::exchange
