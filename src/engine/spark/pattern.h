// Patterns of RE2 in the syntax of Java's regular expressions, which Spark searches with.
#pragma once
#include <string>
#include <string_view>

namespace millrace::engine::spark {

// Finds what RE2 finds, anywhere in a text. What means something else in Java is written out: `.`, `^`, `$`, \b, \d,
// \s, \w and the POSIX classes are RE2's, so a `$` is not before a last line end and \w is ASCII. Groups capture
// nothing. `pattern` must be one that RE2 reads; \C is none here (it matches half a character) and comes out as no
// match.
std::string java_pattern(std::string_view pattern);

}  // namespace millrace::engine::spark
