#include "track/points/codec.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "core/codes/crc32c.h"
#include "track/points/bits.h"

namespace millrace::track {
namespace {

using std::numeric_limits;
constexpr int64_t kLeast = numeric_limits<int64_t>::min(), kMost = numeric_limits<int64_t>::max();

void expect_same(const Points& a, const Points& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_TRUE(same(a.points[i], b.points[i])) << i;
    ASSERT_EQ(a.origin_of(a.points[i]), b.origin_of(b.points[i])) << i;
  }
}

void expect_whole(Points points) {
  points.sort();
  const auto bytes = encode(points);
  const auto back = decode(bytes);
  ASSERT_TRUE(back) << back.error().text();
  expect_same(points, *back);
}

// As training writes it: steps by one, times with some jitter, a noisy loss that falls.
Points usual(size_t count) {
  std::mt19937_64 random(7);
  Points out;
  for (size_t i = 0; i < count; ++i)
    out.add(clamped(1'700'000'000'000 + static_cast<int64_t>(i * 250 + random() % 40), static_cast<int64_t>(i),
                    1 / (1.0 + static_cast<double>(i)) + static_cast<double>(random() % 1000) * 1e-6),
            {});
  out.sort();
  return out;
}

std::string with_sum(std::string bytes) {
  const auto sum = crc32c(bytes);
  for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(sum >> shift & 0xff);
  return bytes;
}

TEST(Codec, points_come_back_as_they_went) {
  for (const size_t count : {1U, 2U, 3U, 100U, 4'096U}) expect_whole(usual(count));
}

TEST(Codec, every_number_comes_back) {
  Points points;
  const double values[] = {0,
                           1,
                           -1,
                           numeric_limits<double>::max(),
                           numeric_limits<double>::lowest(),
                           numeric_limits<double>::min(),
                           numeric_limits<double>::denorm_min(),
                           -numeric_limits<double>::denorm_min(),
                           numeric_limits<double>::infinity(),
                           -numeric_limits<double>::infinity(),
                           -0.0,
                           NAN,
                           -NAN};
  for (const int64_t timestamp : {int64_t{0}, int64_t{1}, kMost})
    for (const int64_t step : {kLeast, int64_t{-1}, int64_t{0}, kMost})
      for (const double value : values) points.add(clamped(timestamp, step, value), {});
  expect_whole(points);
}

TEST(Codec, random_bits_come_back) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    Points points;
    const auto count = 1 + random() % 400;
    for (uint64_t i = 0; i < count; ++i) {
      const auto shift = random() % 64;
      points.add(clamped(static_cast<int64_t>(random() >> (1 + shift % 63)), static_cast<int64_t>(random()) >> shift,
                         std::bit_cast<double>(random())),
                 {random() % 3 == 0 ? "m-1" : "", random() % 5 == 0 ? "june" : "", random() % 9 == 0 ? "d" : ""});
    }
    expect_whole(points);
  }
}

TEST(Codec, what_is_rare_costs_little) {
  auto points = usual(4'096);
  const auto plain = encode(points).size();
  points.points[17].origin = points.index_of({"m-0123456789abcdef", "june", "d1"});
  EXPECT_LE(encode(points).size(), plain + 40);
  for (auto& point : points.points) point.origin = 1;
  EXPECT_LE(encode(points).size(), plain + 40);
}

TEST(Codec, usual_points_take_few_bytes) {
  EXPECT_LT(encode(usual(4'096)).size(), 4'096U * 10);
  Points flat;
  for (int64_t i = 0; i < 4'096; ++i) flat.add(clamped(1'000 * i, i, 0.5), {});
  EXPECT_LT(encode(flat).size(), 4'096U / 2);
}

TEST(Codec, every_cut_and_every_flipped_bit_is_corrupt) {
  auto points = usual(50);
  points.points[3].origin = points.index_of({"m-1", "june", "d1"});
  const auto bytes = encode(points);
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto read = decode(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(read) << size;
    EXPECT_EQ(read.error().code(), Code::corrupt);
  }
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    ASSERT_FALSE(decode(changed)) << bit;
  }
  EXPECT_FALSE(decode(bytes + "x"));
}

// Whoever can write a checksum can write anything: it is still no crash, and what is read is sound.
TEST(Codec, made_up_bytes_with_a_right_checksum_are_corrupt_or_sound) {
  const auto whole = encode(usual(50));
  const auto body = whole.substr(0, whole.size() - 4);
  std::mt19937_64 random(1);
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = body;
    for (auto changes = 1 + random() % 4; changes > 0; --changes)
      bytes[random() % bytes.size()] = static_cast<char>(random() & 0xff);
    if (random() % 4 == 0) bytes.resize(random() % bytes.size() + 1);
    const auto read = decode(with_sum(bytes));
    if (!read) {
      ASSERT_EQ(read.error().code(), Code::corrupt);
      continue;
    }
    ASSERT_LE(read->size(), kChunkPoints);
    for (size_t i = 1; i < read->size(); ++i) ASSERT_TRUE(before(read->points[i - 1], read->points[i]));
    for (const auto& point : read->points) ASSERT_LT(point.origin, read->origins.size());
  }
}

TEST(Codec, counts_beyond_the_limit_are_refused_before_memory_is_taken) {
  const std::string huge = "\xff\xff\xff\xff\xff\xff\xff\xff\x7f";
  EXPECT_FALSE(decode(with_sum("\x01" + huge)));
  EXPECT_FALSE(decode(with_sum("\x01\x02" + huge)));
  EXPECT_FALSE(decode(with_sum("\x01\x02\x01" + huge)));
  EXPECT_FALSE(decode(with_sum(std::string("\x01\x81\x20", 3))));  // one more than 4,096
  EXPECT_FALSE(decode(with_sum(std::string("\x02\x01\x00", 3))));  // another version
  EXPECT_FALSE(decode(with_sum("\x01")));
}

TEST(Bits, come_back_and_end) {
  std::string bytes;
  BitWriter out(bytes);
  for (unsigned bits = 0; bits <= 64; ++bits) out.write(~uint64_t{0} - bits, bits);
  out.finish();
  BitReader in(bytes);
  for (unsigned bits = 0; bits <= 64; ++bits)
    EXPECT_EQ(in.read(bits), bits == 0 ? 0 : (~uint64_t{0} - bits) & (~uint64_t{0} >> (64 - bits))) << bits;
  EXPECT_LT(in.left(), 8U);
  EXPECT_FALSE(in.overrun());
  EXPECT_EQ(in.read(64), 0U);
  EXPECT_TRUE(in.overrun());
}

TEST(Points, merge_keeps_each_point_once_and_the_first_origin) {
  Points a, b;
  a.add(clamped(1, 1, 1), {"m", "", ""});
  a.add(clamped(3, 3, 3), {});
  b.add(clamped(1, 1, 1), {"n", "", ""});
  b.add(clamped(2, 2, NAN), {"n", "", ""});
  a.merge(b);
  ASSERT_EQ(a.size(), 3U);
  EXPECT_EQ(a.origin_of(a.points[0]).model_id, "m");
  EXPECT_EQ(a.origin_of(a.points[1]).model_id, "n");
  EXPECT_TRUE(a.points[1].is_nan);
}

}  // namespace
}  // namespace millrace::track
