// Where bytes live, named by their SHA-256. Written beside, flushed, renamed; put() returns after the bytes are
// durable.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.h"
#include "core/hash.h"
#include "core/result.h"

namespace millrace::store {

struct KeptBlob {
  std::string digest;
  int64_t size = 0;
  Micros put_at = 0;  // the last time
};
enum class Leftovers { count, remove };

// Thread-safe. Putting what is there already is fine and notes the time alone.
class Blobs {
 public:
  virtual ~Blobs() = default;
  virtual Result<std::string> put(std::string_view bytes) = 0;                       // digest
  virtual Result<std::string> put_file(const std::string& path) = 0;                 // copies; digest
  virtual Result<std::string> get(std::string_view digest, size_t limit) const = 0;  // `corrupt` when the bytes changed
  // A path for readers that want a file (engines, runtimes). Read-only; verified once on each call with `verify`.
  virtual Result<std::string> path_of(std::string_view digest) const = 0;
  virtual Result<void> verify(std::string_view digest) const = 0;
  virtual Result<bool> has(std::string_view digest) const = 0;
  virtual Result<void> remove(std::string_view digest) = 0;

  // For the collection of garbage. All whose digest begins with this byte, in no order.
  virtual Result<std::vector<KeptBlob>> list(uint8_t first_byte) const = 0;
  // False, and it stays, when it was put at `since` or later, or is not there. Whoever puts it in the same moment keeps
  // it.
  virtual Result<bool> remove_idle(std::string_view digest, Micros since) = 0;
  // Files that writers which died left half-way, none of them touched since `before`: how many.
  virtual Result<int64_t> leftovers(Micros before, Leftovers what) = 0;
};

Result<std::unique_ptr<Blobs>> open_file_blobs(const std::string& folder, Context& context);

}  // namespace millrace::store
