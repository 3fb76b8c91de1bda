#include "store/postgres/errors.h"

namespace millrace::store::postgres {
namespace {

Error unavailable(const std::string& message, std::string hint) {
  return Error{Code::unavailable, message}.hint(std::move(hint));
}

}  // namespace

Error to_error(std::string_view state, const std::string& message) {
  const auto is = [&](std::string_view prefix) { return state.starts_with(prefix); };
  if (state.empty() || is("08") || is("57P"))
    return unavailable(message, "the database cannot be reached or is starting: try again in a moment");
  if (is("23")) return Error{Code::conflict, message};
  if (is("40") || is("55P03")) return unavailable(message, "another process holds the store; try again");
  if (is("53300")) return unavailable(message, "raise max_connections of the database");
  if (is("53") || is("58"))
    return unavailable(message, "the database's disk is full or failing: free some room and try again");
  if (is("57014"))
    return Error{Code::timeout, message}.hint("ask for less at once, or see what keeps the database busy");
  if (is("22021") || is("22P05")) return Error{Code::invalid, message}.hint("text is UTF-8 without NUL bytes");
  if (is("22003")) return Error{Code::invalid, message}.hint("whole numbers have at most 64 bits");
  if (is("25006") || is("42501"))
    return Error{Code::denied, message}.hint("the database's user must own the schema that the store is in");
  if (is("28")) return Error{Code::denied, message}.hint("check the user and password of the store's URL");
  if (is("3D000")) return Error{Code::not_found, message}.hint("make the database first, e.g. with createdb");
  if (is("54")) return Error{Code::too_large, message};
  if (is("XX001") || is("XX002")) return Error{Code::corrupt, message}.hint("restore the database from a backup");
  return Error{Code::internal, message};
}

}  // namespace millrace::store::postgres
