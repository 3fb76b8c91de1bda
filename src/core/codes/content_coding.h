// HTTP's content codings gzip and deflate (RFC 9110 section 8.4, RFC 1952, RFC 1950), both ways, in memory. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace millrace {

enum class Coding { identity, gzip, deflate };
std::string_view name_of(Coding coding);  // "identity", "gzip", "deflate"

// The value of Content-Encoding; "" is identity. `invalid` for any other, and for several.
Result<Coding> parse_coding(std::string_view content_encoding);

// Undoes the coding. deflate is read with and without zlib's head, as clients send both. `too_large` as soon as there
// are more than `limit` bytes, `invalid` when it is damaged, cut short or followed by more. The text has room for
// `room` bytes more, so that a parser may read beyond its end.
Result<std::string> decode(Coding coding, std::string_view bytes, size_t limit, size_t room = 0);

// Fast rather than small. Nothing when there is no memory for it.
std::optional<std::string> encode(Coding coding, std::string_view bytes);

// Thousandths that an Accept-Encoding gives a coding of this lower-case name ("br"); 0: it is not taken.
int weight_of_coding(std::string_view accept_encoding, std::string_view name);

// What a client takes best by its Accept-Encoding, gzip before deflate where it likes both; identity for "" and for
// what cannot be read. A coding with q=0 is refused.
Coding best_coding(std::string_view accept_encoding);

}  // namespace millrace
