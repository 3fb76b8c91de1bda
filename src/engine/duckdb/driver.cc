#include "engine/duckdb/driver.h"

#include <fmt/format.h>

#include <array>

namespace millrace::engine::duckdb {
namespace {

constexpr size_t kMessageBytes = 2'000;

struct Said {
  std::string_view part;
  Code code;
};

// The first that occurs in the message decides; the particular comes before the general.
constexpr std::array kSaid = {
    Said{"INTERRUPT Error", Code::timeout},
    Said{"Interrupted", Code::timeout},
    Said{"No space left on device", Code::unavailable},
    Said{"max_temp_directory_size", Code::unavailable},
    Said{"Permission Error", Code::denied},
    Said{"Permission denied", Code::denied},
    Said{"configuration has been locked", Code::denied},
    Said{"Out of Memory Error", Code::too_large},
    Said{"could not allocate", Code::too_large},
    Said{"No files found that match", Code::not_found},
    Said{"No such file or directory", Code::not_found},
    Said{"FATAL Error", Code::internal},
    Said{"INTERNAL Error", Code::internal},
    Said{"IO Error", Code::unavailable},
};

std::string_view hint_of(Code code) {
  switch (code) {
    case Code::timeout: return "make the query smaller, or allow it more time";
    case Code::denied: return "SQL may only read the declared inputs and write the declared outputs";
    case Code::too_large: return "allow the engine more memory or a temporary folder, or make the query smaller";
    default: return "";
  }
}

}  // namespace

Result<std::shared_ptr<const adbc::Driver>> load_driver(const std::string& path) {
  return adbc::load_driver({.path = path,
                            .entry = "duckdb_adbc_init",
                            .name = "DuckDB",
                            .hint = "run ./dev deps, or let MILLRACE_LIB_DIR name the folder of libduckdb.so",
                            .error_of = error_of});
}

Code code_of(std::string_view message) {
  for (const Said& said : kSaid)
    if (message.find(said.part) != std::string_view::npos) return said.code;
  return Code::invalid;
}

Error error_of(std::string_view message) {
  const Code code = code_of(message);
  std::string text(message.substr(0, kMessageBytes));
  if (message.size() > kMessageBytes) text += "...";
  Error error{code, text.empty() ? "DuckDB failed without a message" : std::move(text)};
  if (const auto hint = hint_of(code); !hint.empty()) error.hint(std::string(hint));
  return error;
}

}  // namespace millrace::engine::duckdb
