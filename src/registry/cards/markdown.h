// Markdown out of facts: text from outside never becomes markup.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace millrace::registry::markdown {

// One paragraph: line ends become spaces, marks are escaped.
std::string text(std::string_view from);
// Inline code; the fence is longer than any run of backticks inside.
std::string code(std::string_view from);
// Cells are taken as they are: make them with text() or code(). "" without rows.
std::string table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows);

}  // namespace millrace::registry::markdown
