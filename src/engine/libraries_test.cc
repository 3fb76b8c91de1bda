// Every library of others answers once in one process. It fails when the link order lets one library's copy of another
// (the Arrow wheel holds OpenSSL, simdjson and RE2) take the place of the one that we compiled against.
#include <openssl/evp.h>
#include <re2/re2.h>
#include <simdjson.h>
#include <sqlite3.h>
#include <yaml-cpp/yaml.h>
#include <zlib.h>
#include <zstd.h>

#include "core/hash.h"
#include "engine/parquet.h"
#include "engine/testing.h"

namespace millrace::engine {
namespace {

constexpr std::string_view kAbc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

void ask_openssl() {
  EXPECT_EQ(digest_of("abc"), kAbc);
  EXPECT_EQ(OpenSSL_version_num() >> 28, 3u);
}

void ask_sqlite() {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(":memory:", &db), SQLITE_OK);
  sqlite3_stmt* statement = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(db, "SELECT 6 * 7", -1, &statement, nullptr), SQLITE_OK);
  EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW);
  EXPECT_EQ(sqlite3_column_int(statement, 0), 42);
  sqlite3_finalize(statement);
  sqlite3_close(db);
}

void ask_simdjson() {
  simdjson::ondemand::parser parser;
  const simdjson::padded_string text = R"({"a": [1, 42]})"_padded;
  int64_t value = 0;
  auto document = parser.iterate(text);
  ASSERT_EQ(document["a"].at(1).get(value), simdjson::SUCCESS);
  EXPECT_EQ(value, 42);
}

void ask_yaml() { EXPECT_EQ(YAML::Load("{a: [1, 42]}")["a"][1].as<int>(), 42); }

void ask_re2() {
  int value = 0;
  EXPECT_TRUE(re2::RE2::FullMatch("n42", "n(\\d+)", &value));
  EXPECT_EQ(value, 42);
}

void ask_compressors() {
  const std::string text(1000, 'x');
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  std::string back(text.size(), '\0');
  EXPECT_EQ(ZSTD_decompress(back.data(), back.size(), packed.data(), packed.size()), text.size());
  EXPECT_EQ(back, text);
  EXPECT_EQ(crc32(0, reinterpret_cast<const unsigned char*>("abc"), 3), 0x352441c2u);
}

void ask_duckdb_and_arrow() {
  const Scratch scratch;
  Columns columns{{"a", Column::Kind::integer}};
  columns[0].push_integer(42);
  ASSERT_TRUE(write_parquet(scratch / "x.parquet", columns).ok());
  const auto engine = open_engine();
  EXPECT_EQ(answer(*engine, "SELECT a FROM read_parquet(" + quote_text(scratch / "x.parquet") + ")"), "42");
  EXPECT_EQ(answer(*engine, "SELECT sha256('abc')"), "\"" + std::string(kAbc.substr(7)) + "\"");
  EXPECT_EQ(answer(*engine, "SELECT regexp_extract('n42', 'n(\\d+)', 1)"), "\"42\"");
}

TEST(Libraries, all_answer_in_one_process) {
  for (int round = 0; round < 2; ++round) {  // the second time after all are loaded
    ask_openssl();
    ask_sqlite();
    ask_simdjson();
    ask_yaml();
    ask_re2();
    ask_compressors();
    ask_duckdb_and_arrow();
  }
}

}  // namespace
}  // namespace millrace::engine
