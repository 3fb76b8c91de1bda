#include "engine/scan.h"

#include <cmath>

#include "engine/testing.h"

namespace millrace::engine {
namespace {

TEST(Scan, tells_values_and_nulls_of_every_batch_in_their_order) {
  const auto engine = open_engine();
  Scanner* scanner = scanner_of(*engine);
  ASSERT_NE(scanner, nullptr);
  constexpr int64_t kRows = 300'000;
  int64_t rows = 0, nulls = 0, batches = 0;
  const auto take = [&](std::span<const ScanColumn> columns) -> Result<void> {
    ++batches;
    for (size_t row = 0; row < columns[0].rows(); ++row, ++rows) {
      const bool null = rows % 3 == 0;
      for (const auto& column : columns) EXPECT_EQ(column.is_null(row), null);
      nulls += null ? 1 : 0;
      if (null) continue;
      EXPECT_EQ(columns[0].integers()[row], rows - 5);
      EXPECT_EQ(columns[1].numbers()[row], static_cast<double>(rows) / 2);
      EXPECT_EQ(columns[2].text(row), fmt::format("é{}", rows));
      EXPECT_EQ(columns[3].boolean(row), rows % 2 == 0);
      EXPECT_EQ(static_cast<uint64_t>(columns[4].integers()[row]), UINT64_MAX - static_cast<uint64_t>(rows));
      if (::testing::Test::HasFailure()) return Error{Code::internal, "stop"};
    }
    return {};
  };
  const auto done = scanner->scan(
      "SELECT CASE WHEN i % 3 <> 0 THEN i - 5 END, CASE WHEN i % 3 <> 0 THEN i / 2 END, CASE WHEN i % 3 <> 0 THEN 'é' "
      "|| i END, CASE WHEN i % 3 <> 0 THEN i % 2 = 0 END, CASE WHEN i % 3 <> 0 THEN CAST(18446744073709551615 - i AS "
      "UBIGINT) END FROM range(300000) t(i)",
      take);
  EXPECT_TRUE(done.ok()) << done.error().text();
  EXPECT_EQ(rows, kRows);
  EXPECT_EQ(nulls, kRows / 3);
  EXPECT_GT(batches, 1);
}

TEST(Scan, an_error_on_either_side_ends_it) {
  const auto engine = open_engine();
  Scanner& scanner = *scanner_of(*engine);
  int64_t rows = 0;
  const auto take = [&](std::span<const ScanColumn> columns) -> Result<void> {
    rows += static_cast<int64_t>(columns[0].rows());
    return rows > 5'000 ? Result<void>(Error{Code::too_large, "enough"}) : Result<void>();
  };
  const auto stopped = scanner.scan("SELECT i FROM range(10000000) t(i)", take);
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code(), Code::too_large);
  EXPECT_LT(rows, 1'000'000);

  rows = -100'000'000;
  const auto broken = scanner.scan("SELECT CAST(if(i = 70000, 'x', '1') AS BIGINT) FROM range(100000) t(i)", take);
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().code(), Code::invalid);
  EXPECT_NE(broken.error().message().find("'x'"), std::string::npos) << broken.error().text();

  const auto refused = scanner.scan("SELECT DATE '2013-01-01' AS day", take);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("'day'"), std::string::npos) << refused.error().text();
  // The session is as good as before.
  rows = 0;
  EXPECT_TRUE(scanner.scan("SELECT 1::BIGINT", take).ok());
  EXPECT_EQ(rows, 1);
}

TEST(Scan, a_locked_session_scans_no_other_file) {
  const auto engine = open_engine();
  ASSERT_TRUE(engine->lock_down().ok());
  const auto none = [](std::span<const ScanColumn>) -> Result<void> { return {}; };
  const auto denied = scanner_of(*engine)->scan("SELECT content FROM read_text('/etc/hostname')", none);
  ASSERT_FALSE(denied.ok());
  EXPECT_EQ(denied.error().code(), Code::denied) << denied.error().text();
}

TEST(Scan, ends_over_its_time) {
  const auto engine = open_engine({.timeout = 50'000});
  const auto none = [](std::span<const ScanColumn>) -> Result<void> { return {}; };
  const auto late = scanner_of(*engine)->scan(
      "SELECT CAST(sum(a.i * b.i % 7) AS BIGINT) FROM range(1000000) a(i), range(1000000) b(i)", none);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code(), Code::timeout) << late.error().text();
}

}  // namespace
}  // namespace millrace::engine
