// Errors as values. A code from a closed set, a message that names the value, the place, and the way out.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

// Only api/status_table.inc knows what these become in HTTP, gRPC, MLflow or an exit status.
enum class Code {
  invalid,   // the request or file is wrong
  rejected,  // the request is fine and the answer is no (a gate failed, a contract broke)
  not_found,
  unauthenticated,
  denied,     // who you are does not allow it
  conflict,   // another change was first, or the state forbids it
  too_large,  // over a limit from core/limits.h
  unsupported,
  unavailable,  // try again later (queue full, disk full, engine missing)
  timeout,
  corrupt,   // bytes on disk are not what was written
  internal,  // our mistake
};

std::string_view name_of(Code code);

// A place in a file (line and column from 1; 0 = unknown) or a field in a document ("inputs[0].shape").
struct Where {
  std::string file;
  int line = 0;
  int column = 0;
  std::string field;

  bool empty() const { return file.empty() && field.empty() && line == 0; }
  std::string text() const;  // "contracts/a.yaml:3:7 (field schema[0].name)"
};

class Error {
 public:
  Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  Error& at(Where where) & {
    where_ = std::move(where);
    return *this;
  }
  Error&& at(Where where) && {
    where_ = std::move(where);
    return std::move(*this);
  }
  Error& at_field(std::string field) & {
    where_.field = std::move(field);
    return *this;
  }
  Error&& at_field(std::string field) && {
    where_.field = std::move(field);
    return std::move(*this);
  }
  Error& hint(std::string hint) & {
    hint_ = std::move(hint);
    return *this;
  }
  Error&& hint(std::string hint) && {
    hint_ = std::move(hint);
    return std::move(*this);
  }
  // What was being done, outermost last: "reading the contract".
  Error& while_doing(std::string what) & {
    doing_.push_back(std::move(what));
    return *this;
  }
  Error&& while_doing(std::string what) && {
    doing_.push_back(std::move(what));
    return std::move(*this);
  }

  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  const Where& where() const { return where_; }
  const std::string& hint() const { return hint_; }
  const std::vector<std::string>& doing() const { return doing_; }

  // One paragraph for people: "reading the contract: a.yaml:3:7: a contract needs 'schema'. Hint: ...".
  std::string text() const;

 private:
  Code code_;
  std::string message_;
  Where where_;
  std::string hint_;
  std::vector<std::string> doing_;
};

}  // namespace millrace
