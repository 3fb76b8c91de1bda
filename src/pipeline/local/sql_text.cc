#include "pipeline/local/sql_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/yaml.h"
#include "engine/engine.h"

namespace millrace::pipeline {
namespace {

bool starts_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool in_name(char c) { return starts_name(c) || (c >= '0' && c <= '9'); }

Result<std::string> literal(const Json& value) {
  if (value.is_null()) return std::string("NULL");
  if (value.is_boolean()) return std::string(value.get<bool>() ? "TRUE" : "FALSE");
  if (value.is_number()) return fmt::format("({})", to_text(value));  // (-1), so that "x -$n" is no comment
  if (value.is_string()) {
    if (value.get_ref<const std::string&>().find('\0') != std::string::npos)
      return Error{Code::invalid, "a parameter holds a NUL byte"};
    return engine::quote_text(value.get<std::string>());
  }
  if (!value.is_array())
    return Error{Code::unsupported, "a parameter of SQL is text, a number, a boolean, null or a list of these"};
  std::string out = "[";
  for (const auto& item : value) {
    MILLRACE_TRY(const auto text, literal(item));
    out += (out.size() > 1 ? ", " : "") + text;
  }
  return out + "]";
}

class Binder {
 public:
  Binder(std::string_view sql, const Json& params, const std::string& file) : sql_(sql), params_(params), file_(file) {}

  Result<std::string> bound() {
    while (at_ < sql_.size()) {
      if (looking_at("--"))
        skip_comment("\n");
      else if (looking_at("/*"))
        skip_comment("*/");
      else if (sql_[at_] == '\'' || sql_[at_] == '"' || sql_[at_] == '`')
        copy_through(std::string(1, sql_[at_]));
      else if (looking_at("$$"))
        copy_through("$$");
      else if (sql_[at_] == '$' && at_ + 1 < sql_.size() && starts_name(sql_[at_ + 1]))
        MILLRACE_DO(parameter());
      else
        out_ += sql_[at_++];
    }
    while (!out_.empty() && (out_.back() == ';' || out_.back() == ' ' || out_.back() == '\n' || out_.back() == '\t' ||
                             out_.back() == '\r'))
      out_.pop_back();
    return out_;
  }

 private:
  bool looking_at(std::string_view text) const { return sql_.substr(at_).starts_with(text); }

  // Comments are left out, so that what stands behind a last ';' does not hide it.
  void skip_comment(std::string_view end) {
    const auto found = sql_.find(end, at_);
    at_ = found == std::string_view::npos ? sql_.size() : found + end.size();
    out_ += end == "\n" ? '\n' : ' ';
  }

  // A doubled quote inside is two quoted texts side by side: copied the same.
  void copy_through(const std::string& quote) {
    const auto found = sql_.find(quote, at_ + quote.size());
    const auto end = found == std::string_view::npos ? sql_.size() : found + quote.size();
    out_ += sql_.substr(at_, end - at_);
    at_ = end;
  }

  Result<void> parameter() {
    size_t end = at_ + 1;
    while (end < sql_.size() && in_name(sql_[end])) ++end;
    const std::string name(sql_.substr(at_ + 1, end - at_ - 1));
    if (end < sql_.size() && sql_[end] == '$')
      return copy_through(std::string(sql_.substr(at_, end + 1 - at_))), Result<void>{};  // $tag$...$tag$
    const auto* value = find(params_, name);
    if (value == nullptr) return unknown(name);
    auto text = literal(*value);
    if (!text) return std::move(text).error().at(place()).while_doing(fmt::format("writing the parameter ${}", name));
    out_ += *text;
    at_ = end;
    return {};
  }

  Where place() const {
    const auto before = sql_.substr(0, at_);
    const auto line_start = before.rfind('\n');
    return {.file = file_,
            .line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n')),
            .column = static_cast<int>(at_ - (line_start == std::string_view::npos ? 0 : line_start + 1)) + 1};
  }

  Error unknown(const std::string& name) const {
    std::vector<std::string> known;
    for (const auto& [key, value] : params_.items()) known.push_back(key);
    const auto near = did_you_mean(name, known);
    return Error{Code::invalid, fmt::format("the parameter ${} has no value", name)}.at(place()).hint(
        near ? fmt::format("did you mean ${}?", *near)
             : fmt::format("add it to the stage's params: {{{}: ...}}", name));
  }

  std::string_view sql_;
  const Json& params_;
  const std::string& file_;
  size_t at_ = 0;
  std::string out_;
};

}  // namespace

Result<std::string> bind_params(std::string_view sql, const Json& params, const std::string& file) {
  return Binder(sql, params, file).bound();
}

}  // namespace millrace::pipeline
