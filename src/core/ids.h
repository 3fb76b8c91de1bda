// Identifiers: time-ordered UUIDs (RFC 9562, version 7) and random hexadecimal text.
#pragma once
#include <string>

#include "core/clock.h"

namespace millrace {

std::string make_uuid(Clock& clock, Random& random);  // 01890a5d-ac96-774b-bcce-b302099a8057
std::string make_hex(Random& random, size_t bytes);   // 2 * bytes lower-case digits
std::string make_token(Random& random);               // 256 bits as hexadecimal, prefixed "mr_"
bool is_name(std::string_view text);                  // [A-Za-z0-9][A-Za-z0-9_.-]{0,249}, no ".."

}  // namespace millrace
