#include "engine/engine.h"

namespace millrace::engine {
namespace {

std::string quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}

}  // namespace

std::string quote_name(std::string_view name) { return quoted(name, '"'); }
std::string quote_text(std::string_view text) { return quoted(text, '\''); }
std::string_view copy_options() { return "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880"; }

}  // namespace millrace::engine
