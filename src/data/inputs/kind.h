// What a file is: by its first bytes where they say it, else by its name.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "data/inputs/reading.h"

namespace millrace::data {

inline constexpr std::string_view kParquetMagic = "PAR1";

struct Ends {
  std::string head;  // up to a megabyte
  std::string tail;  // the last 4 bytes
  int64_t size = 0;
};
// `invalid` for what is no regular file.
Result<Ends> read_ends(const std::string& path, const std::string& label);

struct FileKind {
  std::string format;   // one of formats()
  bool stream = false;  // of Arrow: without a footer
};
// `corrupt` when the name promises another form than the bytes have, `invalid` when reading.format does, `unsupported`
// for forms that are known and not read here.
Result<FileKind> kind_of(const Ends& ends, const std::string& label, const Reading& reading);

}  // namespace millrace::data
