#include "engine/dialect.h"

#include <fmt/format.h>

namespace millrace::engine {

std::string Dialect::literal(SqlType to, std::string_view text) const {
  return to == SqlType::text ? quote_text(text) : cast(quote_text(text), to);
}

std::string Dialect::literal(double value) const { return literal(SqlType::number, fmt::format("{}", value)); }

std::string Dialect::cast(std::string_view x, SqlType to) const { return fmt::format("CAST({} AS {})", x, type(to)); }

std::string Dialect::try_cast(std::string_view x, SqlType to) const {
  return fmt::format("TRY_CAST({} AS {})", x, type(to));
}

}  // namespace millrace::engine
