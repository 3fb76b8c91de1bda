// Characters and shapes of texts that the reference never has: damaged encoding, cut or padded texts, another spelling.
#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "data/compare/look.h"

namespace millrace::data::compare {
namespace {

constexpr double kCharacterFloor = 0.001, kCharacterMargin = 3;
constexpr double kShapeFloor = 0.004, kShapeMargin = 3;
constexpr double kDamagedFloor = 0.0005;
constexpr size_t kMostShapes = 300;  // more are free text
constexpr double kUsual = 0.2;
constexpr int64_t kLeastRows = 2;

// Code points; a byte that is no UTF-8 stands for itself above them all.
std::vector<uint32_t> code_points(std::string_view text) {
  std::vector<uint32_t> out;
  for (size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    uint32_t point = length == 1 ? first : first & (0xFFU >> (length + 1));
    bool whole = first < 0x80 || (first >= 0xC2 && i + length <= text.size());
    for (size_t k = 1; whole && k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      whole = (next & 0xC0) == 0x80;
      point = point << 6 | (next & 0x3F);
    }
    out.push_back(whole ? point : 0x110000U + first);
    i += whole ? length : 1;
  }
  return out;
}

// U+FFFD, control characters, bytes that are no UTF-8, and the pairs that UTF-8 becomes when it is read as Latin-1 or
// Windows-1252.
bool is_damaged(const std::vector<uint32_t>& points) {
  for (size_t i = 0; i < points.size(); ++i) {
    const uint32_t p = points[i];
    if (p == 0xFFFD || p >= 0x110000 || (p >= 0x80 && p < 0xA0) || (p < 0x20 && p != '\t' && p != '\n' && p != '\r'))
      return true;
    const uint32_t next = i + 1 < points.size() ? points[i + 1] : 0;
    if ((p == 0xC2 || p == 0xC3) &&
        ((next >= 0xA0 && next <= 0xBF) || next == 0x20AC || (next >= 0x2013 && next <= 0x2122)))
      return true;
    if (p == 0xE2 && next == 0x20AC) return true;
  }
  return false;
}

// "N12AB" -> "A9A": runs of one class of characters.
std::string shape_of(const std::vector<uint32_t>& points) {
  std::string out;
  for (const uint32_t p : points) {
    char kind = 'x';
    if (p >= 'A' && p <= 'Z')
      kind = 'A';
    else if (p >= 'a' && p <= 'z')
      kind = 'a';
    else if (p >= '0' && p <= '9')
      kind = '9';
    else if (p < 0x80)
      kind = static_cast<char>(p);
    if (out.empty() || out.back() != kind) out += kind;
  }
  return out;
}

// What is odd about each distinct value is found once; shares are then sums over the counts.
double share_with(const Counts& counts, size_t group, const std::vector<char>& odd) {
  if (counts.present[group] == 0) return std::nan("");
  int64_t rows = 0;
  for (size_t v = 0; v < odd.size(); ++v) rows += odd[v] ? counts.at(v, group) : 0;
  return static_cast<double>(rows) / static_cast<double>(counts.present[group]);
}

void damaged(Look& look, size_t c, const std::vector<std::vector<uint32_t>>& points) {
  const auto& column = look.sample.columns[c];
  const auto& counts = look.counts[c];
  std::vector<char> odd;
  for (const auto& value : points) odd.push_back(is_damaged(value) ? 1 : 0);
  std::vector<double> usual;
  for (size_t b = 0; b < look.sample.batch; ++b) usual.push_back(share_with(counts, b, odd));
  const double now = share_with(counts, look.sample.batch, odd), largest = limit_of(usual, 1, 0);
  const double least =
      static_cast<double>(kLeastRows) / static_cast<double>(std::max<int64_t>(1, counts.present[look.sample.batch]));
  double limit = limit_of(usual, kCharacterMargin, std::max(kDamagedFloor, least * 0.99));
  if (largest > 0) limit += kSigmas * share_error(largest, counts.present[look.sample.batch]);
  look.consider(
      {.kind = "encoding", .columns = {column.name}, .value = now, .limit = limit, .effect = now - largest},
      [&](Signal& signal) {
        look.find_slice(
            signal, [&](size_t r) { return column.codes[r] >= 0 && odd[static_cast<size_t>(column.codes[r])] != 0; });
        signal.text = fmt::format(
            "{} of the texts of {} are damaged: their encoding was read wrongly somewhere ({} in the reference)",
            percent_text(now), column.label, percent_text(share_with(counts, 0, odd)));
      });
}

// `features` of a value, as numbers; a row is new when one of them is in no other block.
void novel(Look& look, size_t c, const char* kind, const std::vector<std::vector<uint32_t>>& features, double floor,
           double margin, std::string_view what) {
  const auto& column = look.sample.columns[c];
  const auto& counts = look.counts[c];
  const size_t groups = look.sample.batch;
  // Blocks that hold a feature.
  std::map<uint32_t, uint32_t> blocks;
  for (size_t v = 0; v < features.size(); ++v)
    for (size_t b = 0; b < groups; ++b)
      if (counts.at(v, b) > 0)
        for (const uint32_t f : features[v]) blocks[f] |= 1U << b;
  const auto share = [&](size_t group, std::vector<char>* odd) {
    std::vector<char> is_odd(features.size(), 0);
    const uint32_t others = ((1U << groups) - 1) & ~(group < groups ? 1U << group : 0U);
    for (size_t v = 0; v < features.size(); ++v)
      for (const uint32_t f : features[v]) {
        const auto at = blocks.find(f);
        if (at == blocks.end() || (at->second & others) == 0) is_odd[v] = 1;
      }
    const double out = share_with(counts, group, is_odd);
    if (odd != nullptr) *odd = std::move(is_odd);
    return out;
  };
  std::vector<double> usual;
  for (size_t b = 0; b < groups; ++b) usual.push_back(share(b, nullptr));
  const double largest = limit_of(usual, 1, 0);
  if (largest > kUsual) return;
  std::vector<char> odd;
  const double now = share(groups, &odd);
  const double least =
      static_cast<double>(kLeastRows) / static_cast<double>(std::max<int64_t>(1, counts.present[groups]));
  double limit = limit_of(usual, margin, std::max(floor, least));
  if (largest > 0) limit += kSigmas * share_error(largest, counts.present[groups]);
  look.consider({.kind = kind, .columns = {column.name}, .value = now, .limit = limit, .effect = now - largest},
                [&](Signal& signal) {
                  size_t top = odd.size();
                  for (size_t v = 0; v < odd.size(); ++v)
                    if (odd[v] && (top == odd.size() || counts.at(v, groups) > counts.at(top, groups))) top = v;
                  look.find_slice(signal, [&](size_t r) {
                    return column.codes[r] >= 0 && odd[static_cast<size_t>(column.codes[r])] != 0;
                  });
                  signal.text = fmt::format(
                      "{} of the texts of {} have {} that the reference never has (from block to block of it at most "
                      "{}), e.g. {}",
                      percent_text(now), column.label, what, percent_text(largest),
                      top < odd.size() ? column.shown(static_cast<int32_t>(top)) : "");
                });
}

}  // namespace

void look_at_texts(Look& look) {
  for (size_t c = 0; c < look.sample.columns.size(); ++c) {
    const auto& column = look.sample.columns[c];
    if (column.kind != Kind::text || look.counts[c].present[look.sample.batch] == 0) continue;
    std::vector<std::vector<uint32_t>> points, characters, shapes;
    std::map<std::string, uint32_t> known;
    std::set<uint32_t> usual_shapes;
    for (size_t v = 0; v < column.texts.size(); ++v) {
      points.push_back(code_points(column.texts[v]));
      const auto shape = known.emplace(shape_of(points.back()), static_cast<uint32_t>(known.size())).first->second;
      shapes.push_back({shape});
      if (look.counts[c].in_reference(v) > 0) usual_shapes.insert(shape);
      auto one = points.back();
      std::sort(one.begin(), one.end());
      one.erase(std::unique(one.begin(), one.end()), one.end());
      characters.push_back(std::move(one));
    }
    if (usual_shapes.empty()) continue;
    damaged(look, c, points);
    novel(look, c, "new_characters", characters, kCharacterFloor, kCharacterMargin, "a character");
    if (usual_shapes.size() <= kMostShapes) novel(look, c, "new_shape", shapes, kShapeFloor, kShapeMargin, "a form");
  }
}

}  // namespace millrace::data::compare
