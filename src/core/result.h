// Result<T>: a value or an Error. The only way to fail. (std::expected does not compile with clang 14 on libstdc++ 12.)
#pragma once
#include <cstdlib>
#include <optional>
#include <utility>
#include <variant>

#include "core/error.h"

namespace millrace {

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit on purpose

  explicit operator bool() const { return state_.index() == 0; }
  bool ok() const { return state_.index() == 0; }

  // Calling these on the wrong side is our own mistake and ends the process.
  T& value() & {
    check();
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    check();
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    check();
    return std::move(*std::get_if<0>(&state_));
  }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }

  Error& error() & {
    check_failed();
    return *std::get_if<1>(&state_);
  }
  const Error& error() const& {
    check_failed();
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    check_failed();
    return std::move(*std::get_if<1>(&state_));
  }

  T value_or(T other) && { return ok() ? std::move(*this).value() : std::move(other); }

 private:
  void check() const {
    if (state_.index() != 0) std::abort();
  }
  void check_failed() const {
    if (state_.index() != 1) std::abort();
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit on purpose

  explicit operator bool() const { return !error_.has_value(); }
  bool ok() const { return !error_.has_value(); }
  Error& error() & {
    check_failed();
    return *error_;
  }
  const Error& error() const& {
    check_failed();
    return *error_;
  }
  Error&& error() && {
    check_failed();
    return std::move(*error_);
  }

 private:
  void check_failed() const {
    if (!error_) std::abort();
  }
  std::optional<Error> error_;
};

}  // namespace millrace

#define MILLRACE_CAT_(a, b) a##b
#define MILLRACE_CAT(a, b) MILLRACE_CAT_(a, b)

// MILLRACE_TRY(auto x, f()): returns f()'s error to the caller, or binds its value.
#define MILLRACE_TRY(declaration, expression) \
  MILLRACE_TRY_(MILLRACE_CAT(try_result_, __LINE__), declaration, expression)
#define MILLRACE_TRY_(name, declaration, expression) \
  auto name = (expression);                          \
  if (!name.ok()) return std::move(name).error();    \
  declaration = std::move(*name)

// MILLRACE_DO(f()): returns f()'s error to the caller.
#define MILLRACE_DO(expression)                                                           \
  do {                                                                                    \
    if (auto try_done = (expression); !try_done.ok()) return std::move(try_done).error(); \
  } while (false)
