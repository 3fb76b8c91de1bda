#include "store/postgres/sql_text.h"

#include <cctype>

#include <fmt/format.h>

namespace millrace::store::postgres {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Walks over the text and hands on words, question marks and everything else.
class Reader {
 public:
  Reader(std::string_view sql, bool schema) : sql_(sql), schema_(schema) {}

  Statement read() {
    while (at_ < sql_.size()) step();
    return std::move(out_);
  }

 private:
  bool looking_at(std::string_view text) const { return sql_.substr(at_).starts_with(text); }

  void copy_to(size_t end) {
    out_.text += sql_.substr(at_, end - at_);
    at_ = end;
  }
  // Up to and with the closing mark; a doubled mark closes and opens again, which comes to the same.
  void copy_through(std::string_view mark, size_t from) {
    const auto found = sql_.find(mark, from);
    copy_to(found == std::string_view::npos ? sql_.size() : found + mark.size());
  }

  void step() {
    const char c = sql_[at_];
    if (c == '\'' || c == '"') return copy_through(std::string_view(&c, 1), at_ + 1);
    if (looking_at("--")) return copy_through("\n", at_);
    if (looking_at("/*")) return copy_through("*/", at_ + 2);
    if (c == '?') {
      out_.text += fmt::format("${}", ++out_.parameters);
      ++at_;
      return;
    }
    if (!is_word(c)) return copy_to(at_ + 1);
    size_t end = at_;
    while (end < sql_.size() && is_word(sql_[end])) ++end;
    word(sql_.substr(at_, end - at_), end);
  }

  void word(std::string_view word, size_t end) {
    constexpr std::string_view kNumbered = "INTEGER PRIMARY KEY AUTOINCREMENT";
    if (schema_ && looking_at(kNumbered)) {
      out_.text += fmt::format("BIGINT PRIMARY KEY DEFAULT store_next('{}')", table_);
      at_ += kNumbered.size();
    } else {
      out_.text += translated(word);
      at_ = end;
    }
    if (before_ == "TABLE") table_ = word;
    before_ = word;
  }

  std::string_view translated(std::string_view word) const {
    if (word == "INTEGER") return "BIGINT";
    if (word == "REAL") return "DOUBLE PRECISION";
    if (word == "BLOB") return "BYTEA";
    if (word == "TEXT" && schema_ && before_ != "AS") return "TEXT COLLATE \"C\"";
    return word;
  }

  std::string_view sql_;
  bool schema_;
  size_t at_ = 0;
  std::string_view before_, table_;  // the word before; the table that is being made
  Statement out_;
};

}  // namespace

Statement to_statement(std::string_view sql) { return Reader(sql, false).read(); }
std::string to_schema(std::string_view sql) { return Reader(sql, true).read().text; }

}  // namespace millrace::store::postgres
