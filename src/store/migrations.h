// The numbered SQL files in this folder, embedded by the build in order of number.
#pragma once
#include <span>
#include <string_view>

namespace millrace::store {

struct Migration {
  int number;
  std::string_view name;
  std::string_view sql;
};

std::span<const Migration> migrations();

}  // namespace millrace::store
