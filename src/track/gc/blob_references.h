// Which rows say that a blob is needed. A digest is looked for in the texts of these columns, whatever stands around
// it; a table that is not among them holds no digests of blobs. A test knows every table.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "store/database.h"

namespace millrace::track {

struct BlobHolder {
  std::string_view table;
  std::vector<std::string_view> text_keys, number_keys;  // together they name a row
  std::vector<std::string_view> columns;
};
const std::vector<BlobHolder>& blob_holders();

// Digests of some blobs, each referred to or not. Not thread-safe.
class Digests {
 public:
  // Of what is no digest nothing is kept. Answers its place.
  void add(std::string_view digest);
  void sort();  // after the last add()
  void find_in(std::string_view text);
  bool is_referred_to(std::string_view digest) const;
  size_t size() const { return all_.size(); }

 private:
  using Bytes = std::array<uint8_t, 32>;
  size_t place_of(const Bytes& bytes) const;  // size() = it is not among them
  std::vector<Bytes> all_;
  std::vector<bool> found_;
};

// Reads all rows that can refer to a blob, some at a time, each some a snapshot of their own.
Result<void> find_references(const store::Database& database, Digests& digests);

}  // namespace millrace::track
