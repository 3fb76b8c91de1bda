// A DVC project as its files say it: what .dvc files and dvc.lock track, and the stages of dvc.yaml. Nothing is written
// and nothing of DVC's is run.
#pragma once
#include <string>
#include <vector>

#include "core/result.h"

namespace millrace::versions::dvc {

struct Out {
  std::string path;      // absolute
  std::string md5;       // 32 digits; of a folder with ".dir" behind them; "" = DVC does not know it yet
  bool legacy = false;   // of DVC 2: the digest of a text with its line ends made those of Unix
  bool cached = true;    // else git keeps it (metrics, say)
  std::string declared;  // the file that names it
  std::string stage;     // that makes it; "" = of a .dvc file
};

struct Stage {
  std::string file, name, command;
  std::vector<std::string> deps, outs, params;
};

struct Project {
  std::string folder;               // with .dvc in it
  std::vector<std::string> caches;  // folders of content by MD5, newest layout first
  std::vector<Out> outs;
  std::vector<Stage> stages;
};

// `not_found` when the folder is no DVC project; errors in its files have their places.
Result<Project> read_project(const std::string& folder);

}  // namespace millrace::versions::dvc
