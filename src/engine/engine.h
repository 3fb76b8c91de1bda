// SQL engines behind ADBC, the one C interface of all of them. A variant is one file that makes `Engines`.
//
// Byte-stable Parquet: one `COPY (SELECT ... ORDER BY <a total order>) TO 'file' (copy_options())` gives the same bytes
// for the same rows, whatever the number of threads. It needs a total order (ties are not stable), the fixed options,
// and the same engine version, which the file names as its writer; it holds no time, path or host.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/json.h"
#include "core/result.h"
#include "engine/dialect.h"
#include "engine/table.h"

namespace millrace::engine {

struct EngineOptions {
  int threads = 2;
  int64_t memory_bytes = int64_t{2} << 30;  // beyond it the engine spills to `temp_folder`
  std::string temp_folder;                  // empty: never spills, `too_large` instead; must exist; not readable by SQL
  std::vector<std::string> readable;        // absolute files or folders (with all below) that SQL may read when locked
  std::vector<std::string> writable;        // the same for COPY ... TO; may also be read
  Micros timeout = 0;                       // of each query or execute; 0 = none
};

// One session: an empty in-memory database, time zone UTC, no extension but those built in (never downloads one).
// Not thread-safe, except cancel(). Temporary tables live as long as the session.
class Engine {
 public:
  virtual ~Engine() = default;

  // One statement. `parameters` stand for ?, ? ... or $1, $2 ... : null, booleans, integers, numbers and strings.
  // `invalid` with the engine's own message when the SQL or its data is wrong, `denied` when it reaches for what is
  // locked, `too_large` over limits::result_rows rows or out of memory, `timeout`, `unavailable` on a full disk.
  virtual Result<Table> query(std::string_view sql, const std::vector<Json>& parameters = {}) = 0;
  // One or more statements; the number of rows that the last one changed or wrote, 0 if it says none.
  virtual Result<int64_t> execute(std::string_view sql) = 0;

  // From now on SQL reaches no file but options.readable/writable, loads no extension, attaches nothing and changes no
  // setting; there is no way back. Call it before any SQL that a user wrote.
  virtual Result<void> lock_down() = 0;

  // Ends the statement that another thread runs in this session with `timeout`; nothing if there is none.
  virtual void cancel() = 0;
  virtual std::string describe() const = 0;    // "duckdb v1.x"; part of cache keys
  virtual const Dialect& dialect() const = 0;  // how SQL that other engines read too is spelt here
};

// Opens sessions. Thread-safe.
class Engines {
 public:
  virtual ~Engines() = default;
  virtual Result<std::unique_ptr<Engine>> open(const EngineOptions& options) = 0;
};

// DuckDB, in process. Its library is loaded by the first open(); `unavailable` there if it is missing or too old.
// A session may outlive the factory.
Result<std::unique_ptr<Engines>> load_duckdb(const std::string& library_path);

// Sessions of a Spark 4 Connect server, sc://host:port (with ;token=... for a server that asks for one). The driver's
// library is loaded, and the server asked, by open(): `unavailable` there. Files are read by the server's machines, so
// their paths must mean the same there; EngineOptions other than `timeout` are the server's own affair.
Result<std::unique_ptr<Engines>> load_spark(const std::string& library_path, const std::string& url);

// For SQL that only DuckDB reads; for all engines' SQL see Dialect.
std::string quote_name(std::string_view name);  // "a""b"
std::string quote_text(std::string_view text);  // 'it''s'

// The options of COPY ... TO that make a Parquet file byte-stable: "FORMAT parquet, COMPRESSION zstd, ...".
std::string_view copy_options();

}  // namespace millrace::engine
