// The words of the search language, and what every filter is made of. For filter.cc, and for the filters of other
// things.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "track/search/filter.h"

namespace millrace::track {

// `other`: what belongs to no clause, and a quote without its end.
enum class TokenKind { identifier, number, text, op, open, close, comma, other, end };

struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view raw;  // as written
  std::string value;     // an identifier or text without its quotes
};

bool is_keyword(const Token& token, std::string_view word);  // letters of any case

// Reads one token after another; at the end it answers `end` for ever. Refers to the text, which must outlive it.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  Token next();

 private:
  Token quoted(char quote, TokenKind kind);
  Token name();
  Token number();
  Token symbol();

  std::string_view text_;
  size_t at_ = 0;
};

Error bad_clause(std::string_view text);

// Comparisons joined by AND, read over one token that is looked at before it is taken. A parser of some language of
// filters says what a comparison is.
class FilterReader {
 public:
  enum class Patterns { like, like_and_rlike };

 protected:
  explicit FilterReader(std::string_view text, Patterns patterns) : lexer_(text), patterns_(patterns) { advance(); }

  // All of the filter, each comparison by `one`.
  template <class Comparison, class One>
  Result<std::vector<Comparison>> all(One one) {
    std::vector<Comparison> out;
    while (true) {
      if (out.size() == kComparisons) return too_many();
      if (token_.kind == TokenKind::end)
        return Error{Code::invalid, "Invalid comparison clause. Expected 3 tokens found 0"};
      if (token_.kind != TokenKind::identifier) return bad_clause(token_.raw);
      MILLRACE_TRY(auto read, one());
      out.push_back(std::move(read));
      if (token_.kind == TokenKind::end) return out;
      if (!is_keyword(token_, "AND")) return bad_clause(token_.raw);
      advance();
    }
  }

  void advance() { token_ = lexer_.next(); }
  bool at_text() const {
    return token_.kind == TokenKind::text || (token_.kind == TokenKind::identifier && token_.raw.starts_with('"'));
  }
  Result<Operator> take_operator();
  // Nothing, and nothing is taken, when what comes is none.
  std::optional<double> take_number();
  std::optional<std::string> take_text();
  Result<std::vector<std::string>> take_list();

  Token token_;

 private:
  static constexpr size_t kComparisons = 100, kListed = 1'000;
  static Error too_many();

  Lexer lexer_;
  Patterns patterns_;
};

}  // namespace millrace::track
