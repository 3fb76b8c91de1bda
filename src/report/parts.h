// What sections are made of: tables, figures with their tables, notices.
#pragma once
#include <string>
#include <vector>

#include "report/html.h"

namespace millrace::report {

// Rows beyond these are counted, not shown.
inline constexpr size_t kTableRows = 150;

struct Column {
  std::string name;
  bool number = false;  // aligned to the right
};
struct Table {
  std::string caption;
  std::vector<Column> columns;
  std::vector<std::vector<Html>> rows;  // one cell a column
  size_t of = 0;                        // how many rows there are in all, when `rows` is only a part; 0 = all are here
};
Html table(const Table& table);
// The same, closed until somebody opens it.
Html folded(const Table& table);

// A drawing with its caption and, folded, the numbers behind it.
Html figure(std::string_view caption, const Html& drawing, const Table& numbers);
// Drawn twice: for a wide page and for a phone; the style sheet shows one.
Html figure(std::string_view caption, const Html& wide, const Html& narrow, const Table& numbers);
// Small drawings side by side, all with one table.
struct Small {
  std::string caption;
  Html drawing;
};
Html figures(std::string_view caption, const std::vector<Small>& drawings, const Table& numbers);

// What a section says that has no facts: plainly, and the command that makes some.
Html nothing(std::string_view what, std::string_view command);

Html paragraph(std::string_view raw);
Html code(std::string_view raw);                         // <code>
Html chip(std::string_view kind, std::string_view raw);  // a word with a form and a colour: good, warn, bad, plain
Html digest_code(std::string_view digest);               // short, the whole one while pointing at it
std::vector<Html> cells(const std::vector<std::string>& words);  // of plain words

// One line of a legend: the mark of a series (colour, dash, hollow) and its name.
struct Key {
  int colour = 0, dash = 0;
  bool hollow = false;
  std::string name;
};
Html legend(const std::vector<Key>& keys);

}  // namespace millrace::report
