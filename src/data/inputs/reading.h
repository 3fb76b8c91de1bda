// How the bytes of an input are to be read. What is not said is found out from the bytes themselves, by rules that look
// at nothing else (data/inputs/dialect.h): the same file is always read the same way.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "data/contracts/contract.h"

namespace millrace::data {

struct Reading {
  std::string format;    // one of formats(); "" = what the bytes say
  std::string encoding;  // of text, as iconv names it; "" = UTF-8, or what a byte order mark says
  std::optional<char> delimiter, quote, escape;  // of CSV; a quote of '\0' is none
  bool no_header = false;                        // CSV whose first line is data: its columns are `names`, in order
  std::vector<std::string> names;
};

const std::vector<std::string>& formats();

// From words of the command line or of a contract: format, encoding, delimiter ("," or "tab"), quote ("none"), escape,
// header ("yes" or "no"). `invalid` names the word that cannot be, and what could.
Result<void> set_reading(Reading& reading, const std::string& name, const std::string& value);

// What the contract's server says of its files: `format`, `delimiter` and the custom properties `encoding`, `quote`,
// `escape` and `header`. `server` is a name; "" = the contract's only server, or nothing when it has more or none. A
// format of a server is left out: where the bytes say otherwise, they are right.
Result<Reading> reading_of(const Contract& contract, const std::string& server);

}  // namespace millrace::data
