// Arrow's own files ("Feather" version 2) and streams. They are copied into Parquet, batch by batch, which SQL reads.
#pragma once
#include "data/inputs/inputs.h"

namespace millrace::data {

// The path of the Parquet copy. `corrupt` names the record batch that is damaged; a stream without its end mark was cut
// off. `unsupported` for types that have no form in Parquet (unions, intervals ...).
Result<std::string> copy_arrow(const std::string& path, const std::string& label, bool stream, Inputs& inputs);

}  // namespace millrace::data
