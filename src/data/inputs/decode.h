// From bytes as they come to bytes that SQL can read: unpacked, in UTF-8, looked through once. Each copy is written
// whole or the error says at which byte of which file reading ended: a file that ends too early never counts as a
// shorter one.
#pragma once
#include <string>

#include "data/inputs/inputs.h"

namespace millrace::data {

// gzip, bzip2, zstd, lz4 (frames); "" when the first bytes are none of them. Others that are known by sight (zip, xz,
// 7z, Snappy frames) are `unsupported`.
Result<std::string> compression_of(std::string_view head, const std::string& label);

// The path of an unpacked copy. `corrupt` for a file that is cut off or damaged, `too_large` over
// limits::decoded_bytes.
Result<std::string> unpack(const std::string& path, const std::string& label, const std::string& compression,
                           Inputs& inputs);

// The path of a copy in UTF-8 without a byte order mark. `invalid` when iconv does not know the encoding, `corrupt`
// with the byte that is no character of it.
Result<std::string> to_utf8(const std::string& path, const std::string& label, const std::string& encoding,
                            Inputs& inputs);

// Reads all of it: UTF-8, and no zero byte. The error names byte and line.
Result<void> check_text(const std::string& path, const std::string& label);

}  // namespace millrace::data
