// Who got which share over time: bands that fill the height, stacked, changing in steps; and copies beside them, which
// are not part of the whole.
#pragma once
#include <string>
#include <vector>

#include "report/html.h"
#include "report/svg/lines.h"

namespace millrace::report::svg {

struct Share {
  int colour = 0;
  bool striped = false;
  double share = 0;            // 0 to 1
  std::string words, shorter;  // the first that fits is written into it
};
struct Stretch {
  Micros from = 0, to = 0;
  std::vector<Share> shares;  // from below
  struct Copy {
    std::string words, shorter;
  };
  std::vector<Copy> copies;  // what was asked too and answered nobody
};
struct ShareBand {
  std::string summary;
  double width = 1080;
  Micros from = 0, to = 0;
  std::vector<Stretch> stretches;  // by time, not overlapping
  std::vector<Happening> steps;
};
Html draw(const ShareBand& band);

}  // namespace millrace::report::svg
