// Text files that are part of the binary: everything under src/**/embed/. The build generates the table.
#pragma once
#include <optional>
#include <string_view>

namespace millrace::core {

std::optional<std::string_view> embedded(std::string_view name);  // name = path relative to src/

}  // namespace millrace::core
