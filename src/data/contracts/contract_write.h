// A contract document as YAML: the standard's keys in the standard's order, what is short on one line. What is read
// back is the same document (the same digest).
//
// Comments, layout and quotes of a file that was read before are not kept; tools therefore write new files and never
// change one in place.
#pragma once
#include <string>

#include "core/json.h"

namespace millrace::data {

// `document` is a Contract's `document`, or one made by a tool. Keys that the standard does not know come last, sorted.
std::string write_contract(const Json& document);

}  // namespace millrace::data
