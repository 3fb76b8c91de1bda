#include "versions/version_names.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "engine/engine.h"

namespace millrace::versions {
namespace {

bool begins_name(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool in_name(char c) { return begins_name(c) || std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool in_ref(char c) { return in_name(c) || c == '.' || c == '-' || c == '~' || c == ':'; }

class Reader {
 public:
  explicit Reader(std::string_view sql) : sql_(sql) {}

  Result<VersionedSql> run() {
    while (at_ < sql_.size()) step();
    return std::move(out_);
  }

 private:
  char here(size_t ahead = 0) const { return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0'; }

  void step() {
    if (here() == '\'') return copy_quoted('\'');
    if (here() == '"') return quoted_name();
    if (here() == '-' && here(1) == '-') return copy_to("\n");
    if (here() == '/' && here(1) == '*') return copy_comment();
    if (here() == '$') return copy_dollar();
    if (begins_name(here())) return plain_name();
    if (std::isdigit(static_cast<unsigned char>(here())) != 0) return copy_while(in_name);
    out_.sql += sql_[at_++];
  }

  template <class Test>
  std::string_view take_while(Test test) {
    const size_t from = at_;
    while (at_ < sql_.size() && test(sql_[at_])) ++at_;
    return sql_.substr(from, at_ - from);
  }
  template <class Test>
  void copy_while(Test test) {
    out_.sql += take_while(test);
  }
  void copy_until(size_t end) {
    end = std::min(end, sql_.size());
    out_.sql += sql_.substr(at_, end - at_);
    at_ = end;
  }
  void copy_to(std::string_view mark) {
    const auto found = sql_.find(mark, at_ + 1);
    copy_until(found == std::string_view::npos ? found : found + mark.size());
  }
  void copy_comment() {  // they nest
    size_t depth = 0, end = at_;
    while (end < sql_.size()) {
      const auto two = sql_.substr(end, 2);
      if (two == "/*") ++depth;
      if (two == "*/" && --depth == 0) return copy_until(end + 2);
      end += two == "/*" || two == "*/" ? 2 : 1;
    }
    copy_until(sql_.size());
  }
  void copy_dollar() {  // $tag$ ... $tag$; else a parameter
    size_t end = at_ + 1;
    while (end < sql_.size() && in_name(sql_[end])) ++end;
    if (end >= sql_.size() || sql_[end] != '$') return copy_until(end);
    const auto tag = sql_.substr(at_, end + 1 - at_);
    const auto close = sql_.find(tag, end + 1);
    copy_until(close == std::string_view::npos ? sql_.size() : close + tag.size());
  }
  void copy_quoted(char quote) {
    size_t end = at_ + 1;
    while (end < sql_.size() && (sql_[end] != quote || (end + 1 < sql_.size() && sql_[end + 1] == quote)))
      end += sql_[end] == quote ? 2 : 1;
    copy_until(end + 1);
  }

  void plain_name() {
    const std::string name(take_while(in_name));
    with_ref(name, name);
  }
  void quoted_name() {
    const size_t from = at_++;
    std::string name;
    while (at_ < sql_.size() && (sql_[at_] != '"' || here(1) == '"')) {
      if (sql_[at_] == '"') ++at_;
      name += sql_[at_++];
    }
    if (at_ < sql_.size()) ++at_;
    const std::string written(sql_.substr(from, at_ - from));
    if (const auto inside = read_version_name(name); inside && here() != '@') {
      add(*inside);
      out_.sql += written;
      return;
    }
    with_ref(name, written);
  }
  // What follows a name decides: @ and a word right behind it.
  void with_ref(const std::string& name, const std::string& written) {
    if (here() != '@' || !in_name(here(1))) {
      out_.sql += written;
      return;
    }
    ++at_;
    std::string ref(take_while(in_ref));
    while (ref.ends_with('.') || ref.ends_with('-') || ref.ends_with(':')) ref.pop_back(), --at_;
    const VersionName found{name, ref};
    add(found);
    out_.sql += engine::quote_name(found.view());
  }
  void add(const VersionName& name) {
    if (std::find(out_.names.begin(), out_.names.end(), name) == out_.names.end()) out_.names.push_back(name);
  }

  std::string_view sql_;
  size_t at_ = 0;
  VersionedSql out_;
};

}  // namespace

Result<VersionName> read_version_name(const std::string& text) {
  const auto at = text.rfind('@');
  if (at == std::string::npos || at == 0 ||
      !std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at) + 1, text.end(), in_ref) || at + 1 == text.size())
    return Error{Code::invalid, fmt::format("'{}' names no version of a table", text.substr(0, 120))}.hint(
        "write NAME@VERSION, e.g. flights@v1");
  return VersionName{text.substr(0, at), text.substr(at + 1)};
}

Result<VersionedSql> find_version_names(std::string_view sql) { return Reader(sql).run(); }

}  // namespace millrace::versions
