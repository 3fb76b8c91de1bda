// Numbers as sentences about data give them.
#pragma once
#include <string>

namespace millrace::data {

std::string number_text(double value);   // 12, 3.14, 0.00021, 1.2346e+06
std::string percent_text(double share);  // 0.031 -> "3.1 %"

}  // namespace millrace::data
