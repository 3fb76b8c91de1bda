// From what a person wrote to files that can be read: a file, a folder, a pattern, an object or objects of a bucket, a
// table of a database. What is not on this machine is brought to it, into the folder of `inputs`.
#pragma once
#include "data/inputs/inputs.h"
#include "data/inputs/postgres_table.h"

namespace millrace::data {

class Locator {
 public:
  explicit Locator(Inputs& inputs) : inputs_(inputs) {}

  // The paths on this machine, in the order of their names; `inputs` knows them from then on, with `reading` (which
  // says nothing about tables: their form is known). A name that is there as it is written is never a pattern.
  Result<std::vector<std::string>> locate(const std::string& written, const Reading& reading);

 private:
  Result<std::vector<InputPlace>> places(const std::string& written);

  Inputs& inputs_;
  PostgresSources databases_;
};

bool is_remote(std::string_view written);  // a bucket or a database

}  // namespace millrace::data
