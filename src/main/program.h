// The program: owns the context and, when a command needs one, the owner of a state folder.
#pragma once
#include <string>
#include <vector>

namespace millrace {

int run_program(const std::vector<std::string>& words);  // the exit status

}  // namespace millrace
