// The words of the search language. For filter.cc.
#pragma once
#include <string>
#include <string_view>

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

}  // namespace millrace::track
