#include "data/inputs/kind.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "core/files.h"

namespace millrace::data {
namespace {

constexpr size_t kHeadBytes = 1 << 20;
constexpr std::string_view kArrowMagic = "ARROW1";

// The name without what packing has added: rows.csv.gz -> rows.csv; of an address, without its question.
std::string plain_name(std::string name) {
  name.resize(std::min(name.find('?'), name.size()));
  for (const std::string_view ending : {".gz", ".bz2", ".zst", ".lz4"})
    if (name.ends_with(ending)) return name.substr(0, name.size() - ending.size());
  return name;
}

bool ends_with_any(const std::string& name, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) { return name.ends_with(ending); });
}

// Forms that people have and that are not read here.
std::string foreign_of(std::string_view head) {
  if (head.starts_with("FEA1")) return "Feather version 1";
  if (head.starts_with("ORC")) return "ORC";
  if (head.starts_with("Obj\x01")) return "Avro";
  if (head.starts_with("SQLite format 3")) return "an SQLite database";
  if (head.starts_with("\x89HDF")) return "HDF5";
  return "";
}

FileKind by_name(std::string_view head, const std::string& name) {
  const auto first = head.find_first_not_of(" \r\n\t\xEF\xBB\xBF");
  if (ends_with_any(name, {".json", ".jsonl", ".ndjson"}) || (first != std::string_view::npos && head[first] == '{'))
    return {.format = "jsonl"};
  return {.format = "csv"};
}

}  // namespace

Result<Ends> read_ends(const std::string& path, const std::string& label) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return file_error("reading", label, errno);
  if (S_ISDIR(status.st_mode))
    return Error{Code::invalid, fmt::format("'{}' is a folder, not a file", label)}
        .at({.file = label})
        .hint("name the files in it");
  if (!S_ISREG(status.st_mode))
    return Error{Code::invalid, fmt::format("'{}' is not a regular file", label)}.at({.file = label});
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  if (!file) return file_error("opening", label, errno);
  Ends ends{.size = status.st_size};
  ends.head.resize(std::min<size_t>(kHeadBytes, static_cast<size_t>(ends.size)));
  if (std::fread(ends.head.data(), 1, ends.head.size(), file.get()) != ends.head.size())
    return file_error("reading", label, EIO);
  ends.tail.resize(std::min<size_t>(4, ends.head.size()));
  if (std::fseek(file.get(), -static_cast<long>(ends.tail.size()), SEEK_END) != 0)
    return file_error("reading", label, errno);
  if (std::fread(ends.tail.data(), 1, ends.tail.size(), file.get()) != ends.tail.size())
    return file_error("reading", label, EIO);
  return ends;
}

Result<FileKind> kind_of(const Ends& ends, const std::string& label, const Reading& reading) {
  const std::string_view head = ends.head;
  const auto name = plain_name(label);
  FileKind kind;
  if (head.starts_with(kParquetMagic)) kind.format = "parquet";
  if (head.starts_with(kArrowMagic)) kind.format = "arrow";
  if (head.starts_with("\xFF\xFF\xFF\xFF")) kind = {.format = "arrow", .stream = true};
  if (!reading.format.empty() && !kind.format.empty() && reading.format != kind.format)
    return Error{Code::invalid, fmt::format("the file holds {}, not {}", kind.format, reading.format)}
        .at({.file = label})
        .hint(fmt::format("leave --format out, or say --format {}", kind.format));
  if (!kind.format.empty()) return kind;
  if (const auto foreign = foreign_of(head); !foreign.empty())
    return Error{Code::unsupported, fmt::format("the file is {}, which is not read here", foreign)}
        .at({.file = label})
        .hint("write it as Parquet");
  const auto promised = [&](const char* format, std::initializer_list<std::string_view> endings) {
    return reading.format == format || (reading.format.empty() && ends_with_any(name, endings));
  };
  if (promised("parquet", {".parquet", ".pq"}))
    return Error{Code::corrupt, fmt::format("the file is named Parquet but does not begin with {}", kParquetMagic)}
        .at({.file = label})
        .hint("write it as Parquet, or name it .csv if it is one");
  if (promised("arrow", {".arrow", ".feather", ".ipc", ".arrows"}))
    return Error{Code::corrupt,
                 fmt::format("the file is named Arrow but begins neither with {} nor as a stream", kArrowMagic)}
        .at({.file = label})
        .hint("write it again, or name it after what it is");
  return reading.format.empty() ? by_name(head, name) : FileKind{.format = reading.format};
}

}  // namespace millrace::data
