// Whose fault the evidence is. A column is suspected by evidence of its own and by relations that it breaks: of the
// columns of broken relations, the fewest that explain them all, preferring those that are in few intact ones.
#pragma once
#include <vector>

#include "data/cause/look.h"

namespace millrace::data::cause {

// How sure one piece of evidence makes: weight of its kind x (1 - 2^(1 - value/limit)). The weights say how rarely a
// kind is over its limit in quiet batches.
double strength_of(const Evidence& evidence);

// Strongest first. Columns that broke alike (both to another unit, each other's values) are one suspect.
std::vector<Suspect> suspects_of(const Look& look);

}  // namespace millrace::data::cause
