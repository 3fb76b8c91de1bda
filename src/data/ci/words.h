// Words that all forms share, and how text is made safe in each.
#pragma once
#include <string>
#include <string_view>

#include "data/check.h"

namespace millrace::data::ci {

bool is_broken(const Finding& finding);  // it was run and does not hold
// error, warning or note: what a build server makes of it.
std::string_view level_of(const Rule& rule);
// "5 rows (allowed: ...): note": one line.
std::string sentence(const Finding& finding);
std::string example_text(const Json& example);  // "rows.csv row 7: {...}"

// XML 1.0 has no form for most control characters: they, and bytes that are no UTF-8, become \xHH.
std::string to_xml(std::string_view text);
// One line of a table's cell that is shown as it is written.
std::string to_markdown(std::string_view text);
// Of workflow commands: the message, or one of the values before it.
std::string to_message(std::string_view text);
std::string to_property(std::string_view text);
// A URI reference: relative where the path lies below `root`.
std::string to_uri(const std::string& path, const std::string& root);
std::string below(const std::string& path, const std::string& root);

}  // namespace millrace::data::ci
