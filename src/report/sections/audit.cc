// Whether what was written down is what was done.
#include <fmt/format.h>

#include "report/parts.h"
#include "report/render.h"
#include "report/words.h"

namespace millrace::report {

Html write_audit(const Facts& facts) {
  const auto& audit = object_in(facts.all(), "audit");
  if (audit.empty()) return nothing("The audit chain was not verified.", "millrace audit verify");
  const bool intact = audit.value("intact", false);
  Html out = element("p", chip(intact ? "good" : "bad", intact ? "intact" : "BROKEN") + " " +
                              text(fmt::format("{} in the audit chain, each with the hash of the one before.",
                                               counted(integer_or(audit, "lines", 0), "line"))));
  if (!intact)
    out += paragraph(fmt::format("From line {} on it is not as it was written: {}.", integer_or(audit, "first_bad", 0),
                                 string_or(audit, "reason", "")));
  out += element("p", text("Hash of the last line: ") + words("code", "long", string_or(audit, "head", "")));
  return out +
         element("p",
                 text("To verify it: ") + code("millrace audit verify") +
                     text(". Keep the hash somewhere else: whoever changes a line cannot make it come out the same."));
}

}  // namespace millrace::report
