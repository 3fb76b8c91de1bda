// What a database compares differently from one to the next, compared here: LIKE that knows case, ILIKE, and regular
// expressions in linear time (RE2). Pure.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"
#include "traces/filter.h"

namespace re2 {
class RE2;
}

namespace millrace::traces {

// % is any text, _ any one character. `fold`: ASCII letters of both cases are the same.
bool is_like(std::string_view text, std::string_view pattern, bool fold);

// A LIKE pattern for any database that takes at least all that `pattern` takes, also inside of JSON text. Both sides
// are to be in lower case.
std::string wider_pattern(std::string_view pattern);

// One condition on a text, made once a search.
class Matcher {
 public:
  static Result<Matcher> of(const Condition& condition);  // invalid when it is not a regular expression
  Matcher(Matcher&&) noexcept;
  Matcher& operator=(Matcher&&) noexcept;
  ~Matcher();
  bool operator()(std::string_view text) const;

 private:
  explicit Matcher(const Condition& condition);
  Condition condition_;
  std::unique_ptr<re2::RE2> expression_;
};

}  // namespace millrace::traces
