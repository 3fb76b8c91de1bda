#include "track/filter_tokens.h"

#include <algorithm>

namespace millrace::track {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool starts_name(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool in_name(char c) {
  return starts_name(c) || is_digit(c) || c == '.' || c == '-' || c == '/' || c == ':' || c == '@';
}

}  // namespace

bool is_keyword(const Token& token, std::string_view word) {
  return token.kind == TokenKind::identifier && std::equal(token.raw.begin(), token.raw.end(), word.begin(), word.end(),
                                                           [](char a, char b) { return lower(a) == lower(b); });
}

Token Lexer::next() {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  const size_t from = at_;
  if (at_ == text_.size()) return {};
  const char c = text_[at_];
  Token token;
  if (c == '\'')
    token = quoted(c, TokenKind::text);
  else if (starts_name(c) || c == '`' || c == '"')
    token = name();
  else if (is_digit(c) || ((c == '-' || c == '+' || c == '.') && at_ + 1 < text_.size() &&
                           (is_digit(text_[at_ + 1]) || text_[at_ + 1] == '.')))
    token = number();
  else
    token = symbol();
  token.raw = text_.substr(from, at_ - from);
  return token;
}

// A doubled quote stands for itself. Without its end the token is `other`.
Token Lexer::quoted(char quote, TokenKind kind) {
  Token token{.kind = kind};
  for (++at_; at_ < text_.size(); ++at_) {
    if (text_[at_] != quote) {
      token.value += text_[at_];
    } else if (at_ + 1 < text_.size() && text_[at_ + 1] == quote) {
      token.value += text_[at_++];
    } else {
      ++at_;
      return token;
    }
  }
  token.kind = TokenKind::other;
  return token;
}

// metrics.auc, metrics.`two words`, "run name". A name in double quotes alone may turn out to be a text.
Token Lexer::name() {
  Token token{.kind = TokenKind::identifier};
  while (at_ < text_.size()) {
    if (text_[at_] == '`' || text_[at_] == '"') {
      auto part = quoted(text_[at_], TokenKind::identifier);
      token.value += part.value;
      if (part.kind == TokenKind::other) token.kind = TokenKind::other;
      return token;
    }
    if (!in_name(text_[at_])) return token;
    token.value += text_[at_++];
  }
  return token;
}

Token Lexer::number() {
  const size_t from = at_++;
  while (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.' || lower(text_[at_]) == 'e' ||
                                ((text_[at_] == '-' || text_[at_] == '+') && lower(text_[at_ - 1]) == 'e')))
    ++at_;
  return {.kind = TokenKind::number, .raw = {}, .value = std::string(text_.substr(from, at_ - from))};
}

Token Lexer::symbol() {
  const char c = text_[at_++];
  if (c == '(') return {.kind = TokenKind::open};
  if (c == ')') return {.kind = TokenKind::close};
  if (c == ',') return {.kind = TokenKind::comma};
  if (c != '=' && c != '!' && c != '<' && c != '>') return {.kind = TokenKind::other};
  std::string op(1, c);
  while (at_ < text_.size() && (text_[at_] == '=' || text_[at_] == '>' || text_[at_] == '<')) op += text_[at_++];
  return {.kind = TokenKind::op, .raw = {}, .value = op};
}

}  // namespace millrace::track
