// CRC-32C (Castagnoli), with the CPU's instruction where there is one.
#pragma once
#include <cstdint>
#include <string_view>

namespace millrace {

uint32_t crc32c(std::string_view bytes);           // crc32c("123456789") == 0xe3069283
uint32_t crc32c_portable(std::string_view bytes);  // the same, without the instruction; for tests and old machines

}  // namespace millrace
