#include "serve/together.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>

#include <fmt/format.h>

namespace millrace::serve {
namespace {

constexpr size_t kTrialRows = 16;
constexpr std::array<size_t, 3> kTrialBatches{2, 5, kTrialRows};
// Of one row. Large ones gain little, and a trial of many must not ask for memory that their requests do not.
constexpr size_t kTrialElements = 1 << 14;
constexpr Micros kTrialTime = 2 * 1'000'000;
constexpr size_t kCallRows = 256, kCallBytes = 4 << 20;
constexpr double kClose = 1e-5;

// SplitMix64 (Steele, Lea and Flood 2014).
class Values {
 public:
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  double from_minus_2_to_2() { return static_cast<double>(next() >> 11) * 0x1p-51 - 2; }

 private:
  uint64_t state_ = 1;
};

template <class T>
void put(Tensor& tensor, size_t at, T value) {
  std::memcpy(tensor.data.data() + at * sizeof(T), &value, sizeof value);
}

void make_up(Tensor& tensor, size_t at, Values& values) {
  switch (tensor.type) {
    case DType::fp32: return put(tensor, at, static_cast<float>(values.from_minus_2_to_2()));
    case DType::fp64: return put(tensor, at, values.from_minus_2_to_2());
    case DType::fp16: return put(tensor, at, static_cast<uint16_t>(0x3c00 + values.next() % 0x400));  // 1 to 2
    case DType::bf16: return put(tensor, at, static_cast<uint16_t>(0x3f80 + values.next() % 0x80));
    case DType::bytes: tensor.texts[at] = std::string(1, static_cast<char>('a' + values.next() % 4)); return;
    case DType::boolean: return put(tensor, at, static_cast<uint8_t>(values.next() % 2));
    default: break;  // whole numbers, small ones: they are often indexes
  }
  tensor.data[at * size_of(tensor.type)] = static_cast<std::byte>(values.next() % 2);  // little-endian
}

// One row of each input, or nothing when it is too large to try.
std::optional<std::vector<Tensor>> make_row(const Model& model, Values& values) {
  std::vector<Tensor> out;
  for (const auto& spec : model.inputs()) {
    Tensor tensor{.type = spec.type};
    for (const auto dim : spec.shape) tensor.shape.push(dim < 0 ? 1 : dim);
    const auto count = tensor.shape.elements();
    if (!count || *count > kTrialElements) return std::nullopt;
    if (spec.type == DType::bytes)
      tensor.texts.resize(*count);
    else
      tensor.data.resize(*count * size_of(spec.type));
    for (size_t at = 0; at < *count; ++at) make_up(tensor, at, values);
    out.push_back(std::move(tensor));
  }
  return out;
}

template <class T>
bool are_close(const Tensor& a, const Tensor& b) {
  const auto one = a.as<T>(), other = b.as<T>();
  for (size_t i = 0; i < one.size(); ++i) {
    if (std::memcmp(&one[i], &other[i], sizeof(T)) == 0) continue;
    const double x = one[i], y = other[i];
    if (!(std::abs(x - y) <= kClose * std::max({1.0, std::abs(x), std::abs(y)}))) return false;
  }
  return true;
}

bool is_same(const Tensor& a, const Tensor& b, Batching batching) {
  if (a.type != b.type || !(a.shape == b.shape) || a.data.size() != b.data.size()) return false;
  if (batching == Batching::close && a.type == DType::fp32) return are_close<float>(a, b);
  if (batching == Batching::close && a.type == DType::fp64) return are_close<double>(a, b);
  return a.data == b.data && a.texts == b.texts;
}

bool is_same(std::span<const Tensor> a, std::span<const Tensor> b, Batching batching) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](const Tensor& one, const Tensor& other) { return is_same(one, other, batching); });
}

using Outputs = std::vector<Tensor>;

Result<std::vector<Outputs>> run_joined(const Model& model, std::span<const std::vector<Tensor>> rows,
                                        std::span<const size_t> wanted) {
  const std::vector<std::span<const Tensor>> requests(rows.begin(), rows.end());
  MILLRACE_TRY(const auto outputs, model.run(join_rows(requests), wanted));
  return split_rows(outputs, std::vector<size_t>(rows.size(), 1));
}

size_t bytes_in(std::span<const Tensor> inputs) {
  size_t out = 0;
  for (const auto& tensor : inputs) {
    out += tensor.data.size();
    for (const auto& text : tensor.texts) out += text.size() + sizeof(text);
  }
  return out;
}

// The rows of a tensor from `first` on.
Tensor slice(const Tensor& all, size_t first, size_t rows) {
  const auto total = static_cast<size_t>(all.shape[0]);
  Tensor out{.type = all.type, .shape = all.shape};
  out.shape[0] = static_cast<int64_t>(rows);
  if (all.type == DType::bytes) {
    const size_t each = total == 0 ? 0 : all.texts.size() / total;
    const auto from = all.texts.begin() + static_cast<ptrdiff_t>(first * each);
    out.texts.assign(from, from + static_cast<ptrdiff_t>(rows * each));
  } else {
    const size_t each = total == 0 ? 0 : all.data.size() / total;
    const auto from = all.data.begin() + static_cast<ptrdiff_t>(first * each);
    out.data.assign(from, from + static_cast<ptrdiff_t>(rows * each));
  }
  return out;
}

}  // namespace

Result<Batching> read_batching(std::string_view name) {
  if (name == "off") return Batching::off;
  if (name == "exact") return Batching::exact;
  if (name == "close") return Batching::close;
  return Error{Code::invalid, fmt::format("requests cannot be batched '{}'", name.substr(0, 40))}.hint(
      "off, exact or close");
}

std::string why_alone(const Model& model, Batching batching, const Clock& clock) {
  if (batching == Batching::off) return "batching is off";
  if (!model.batched()) return "its inputs have no rows in common";
  std::vector<size_t> wanted(model.outputs().size());
  std::iota(wanted.begin(), wanted.end(), size_t{0});
  const Micros began = clock.steady();
  Values values;
  std::vector<std::vector<Tensor>> rows;
  std::vector<Outputs> alone;
  for (size_t i = 0; i < kTrialRows; ++i) {
    auto row = make_row(model, values);
    if (!row) return "a row is too large to try";
    auto outputs = model.run(*row, wanted);
    if (!outputs) return "it refused the rows that it was tried with: " + outputs.error().message();
    rows.push_back(std::move(*row));
    alone.push_back(std::move(*outputs));
    if (clock.steady() - began > kTrialTime) return "its calls take long: requests would keep each other waiting";
  }
  for (const size_t batch : kTrialBatches) {
    const auto joined = run_joined(model, std::span(rows).first(batch), wanted);
    if (!joined) return joined.error().message();
    for (size_t i = 0; i < batch; ++i)
      if (!is_same((*joined)[i], alone[i], batching))
        return fmt::format("a row beside {} others is answered otherwise than alone", batch - 1);
  }
  return "";
}

bool fits_beside(std::span<const Tensor> a, std::span<const Tensor> b) {
  const auto fits = [](const Tensor& one, const Tensor& other) {
    return one.type == other.type && one.shape.rank() == other.shape.rank() && one.shape.rank() > 0 &&
           std::equal(one.shape.begin() + 1, one.shape.end(), other.shape.begin() + 1);
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), fits);
}

size_t rows_in(std::span<const Tensor> inputs) {
  return inputs.empty() || inputs[0].shape.rank() == 0 ? 1 : static_cast<size_t>(inputs[0].shape[0]);
}

bool CallRoom::take(std::span<const Tensor> inputs) {
  const size_t rows = rows_in(inputs), bytes = bytes_in(inputs);
  if (requests_ > 0 && (rows_ + rows > kCallRows || bytes_ + bytes > kCallBytes)) return false;
  ++requests_;
  rows_ += rows;
  bytes_ += bytes;
  return true;
}

std::vector<Tensor> join_rows(std::span<const std::span<const Tensor>> requests) {
  std::vector<Tensor> out(requests.front().begin(), requests.front().end());
  for (size_t at = 0; at < out.size(); ++at) {
    auto& all = out[at];
    size_t bytes = 0, texts = 0;
    for (const auto& request : requests) bytes += request[at].data.size(), texts += request[at].texts.size();
    all.data.reserve(bytes);
    all.texts.reserve(texts);
    for (const auto& request : requests.subspan(1)) {
      const auto& more = request[at];
      all.shape[0] += more.shape[0];
      all.data.insert(all.data.end(), more.data.begin(), more.data.end());
      all.texts.insert(all.texts.end(), more.texts.begin(), more.texts.end());
    }
  }
  return out;
}

Result<std::vector<std::vector<Tensor>>> split_rows(std::span<const Tensor> outputs, std::span<const size_t> rows) {
  const size_t total = std::accumulate(rows.begin(), rows.end(), size_t{0});
  std::vector<std::vector<Tensor>> out(rows.size());
  for (const auto& all : outputs) {
    if (all.shape.rank() == 0 || all.shape[0] != static_cast<int64_t>(total))
      return Error{Code::internal, fmt::format("an output has the shape {} for {} rows", all.shape.text(), total)};
    size_t first = 0;
    for (size_t i = 0; i < rows.size(); first += rows[i++]) out[i].push_back(slice(all, first, rows[i]));
  }
  return out;
}

}  // namespace millrace::serve
