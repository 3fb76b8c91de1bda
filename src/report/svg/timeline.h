// Things that last, each on a line of its own, in groups. States differ by form, not by colour alone.
#pragma once
#include <string>
#include <vector>

#include "report/html.h"
#include "report/svg/lines.h"

namespace millrace::report::svg {

enum class State { pending, firing, acknowledged };

struct Lasting {
  State state = State::pending;
  Micros from = 0, to = 0;
};
struct TimeRow {
  std::string name;
  std::string hint;
  bool page = false;
  std::vector<Lasting> parts;  // by time
  Micros ended = 0;            // 0 = still open: the last part is drawn to the end with an arrow
};
struct TimeGroup {
  std::string name;
  std::vector<TimeRow> rows;
};
struct Timeline {
  std::string summary;
  double width = 1080;
  double names = 250;  // room for names on the left; 0 puts them above their lines
  Micros from = 0, to = 0;
  std::vector<TimeGroup> groups;
};
Html draw(const Timeline& line);

}  // namespace millrace::report::svg
