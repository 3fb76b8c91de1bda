#include "track/search/filter_tokens.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

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

Error bad_clause(std::string_view text) {
  return Error{Code::invalid, fmt::format("Invalid clause(s) in filter string: '{}'", text)};
}

Error FilterReader::too_many() {
  return Error{Code::invalid, fmt::format("a filter has at most {} comparisons", kComparisons)};
}

Result<Operator> FilterReader::take_operator() {
  static constexpr std::pair<std::string_view, Operator> symbols[] = {
      {"=", Operator::equal},          {"!=", Operator::unequal}, {"<", Operator::less},
      {"<=", Operator::less_or_equal}, {">", Operator::greater},  {">=", Operator::greater_or_equal}};
  const Token first = token_;
  advance();
  if (first.kind == TokenKind::op)
    for (const auto& [symbol, op] : symbols)
      if (first.value == symbol) return op;
  const bool rlike = patterns_ == Patterns::like_and_rlike;
  if (is_keyword(first, "LIKE")) return Operator::like;
  if (is_keyword(first, "ILIKE")) return Operator::ilike;
  if (rlike && is_keyword(first, "RLIKE")) return Operator::rlike;
  if (is_keyword(first, "IN")) return Operator::in;
  if (is_keyword(first, "NOT") && is_keyword(token_, "IN")) return advance(), Operator::not_in;
  if (is_keyword(first, "IS") && is_keyword(token_, "NULL")) return advance(), Operator::is_null;
  if (is_keyword(first, "IS") && is_keyword(token_, "NOT")) {
    advance();
    if (is_keyword(token_, "NULL")) return advance(), Operator::is_not_null;
  }
  if (first.kind == TokenKind::end) return Error{Code::invalid, "Invalid comparison clause. Expected 3 tokens found 1"};
  return Error{Code::invalid, fmt::format("Invalid comparator '{}' not one of =, !=, <, <=, >, >=, LIKE, ILIKE, {}IN, "
                                          "NOT IN, IS NULL, IS NOT NULL",
                                          first.raw, rlike ? "RLIKE, " : "")};
}

std::optional<double> FilterReader::take_number() {
  double out = 0;
  const auto* begin = token_.value.data() + (token_.value.starts_with('+') ? 1 : 0);
  const auto* end = token_.value.data() + token_.value.size();
  const auto [rest, problem] = std::from_chars(begin, end, out);
  if (token_.kind != TokenKind::number || problem != std::errc() || rest != end || !std::isfinite(out))
    return std::nullopt;
  advance();
  return out;
}

std::optional<std::string> FilterReader::take_text() {
  if (!at_text()) return std::nullopt;
  auto out = std::move(token_.value);
  advance();
  return out;
}

Result<std::vector<std::string>> FilterReader::take_list() {
  const auto refuse = [&] {
    return Error{
        Code::invalid,
        fmt::format("While parsing a list in the query, expected a non-empty list of string values, but got '{}'",
                    token_.raw)};
  };
  if (token_.kind != TokenKind::open) return refuse();
  std::vector<std::string> out;
  do {
    advance();
    if (token_.kind == TokenKind::close && !out.empty()) break;  // a comma before the end, as Python writes one
    if (!at_text()) return refuse();
    if (out.size() == kListed)
      return Error{Code::invalid, fmt::format("a list in a filter has at most {} values", kListed)};
    out.push_back(std::move(token_.value));
    advance();
  } while (token_.kind == TokenKind::comma);
  if (token_.kind != TokenKind::close) return refuse();
  advance();
  return out;
}

}  // namespace millrace::track
