// From facts to one HTML file: no script, no request to anywhere, at most kReportBytes however long the history is.
#pragma once
#include <string>

#include "core/json.h"
#include "report/facts.h"
#include "report/html.h"

namespace millrace::report {

inline constexpr size_t kReportBytes = 1'000'000;

// A section: one file of sections/, one line of sections/list.inc. `write` answers its whole inside; without facts it
// says so and what to do next. Pure.
struct Section {
  std::string_view id, title;
  Html (*write)(const Facts& facts);
};

// Of a document as report::collect makes it (facts.h). The same document gives the same bytes. Pure.
std::string render(const Json& document);

// What the page allows itself: nothing but its own style sheet, named by its hash.
std::string content_security_policy();

}  // namespace millrace::report
