// What is known of a batch's files beyond their bytes, for the time of one check: how they are to be read, what people
// call them, what state they were in when they were first seen; and a folder where copies go that SQL can read
// (unpacked, decoded, or brought from a bucket or a database). Not thread-safe.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/result.h"
#include "data/inputs/reading.h"

namespace millrace::limits {

inline constexpr int64_t decoded_bytes = int64_t{256} << 30;  // of one file, unpacked: small files can hold much
inline constexpr size_t json_line_bytes = 16 << 20;
inline constexpr size_t input_columns = 10'000;
inline constexpr size_t batch_files = 2'000;

}  // namespace millrace::limits

namespace millrace::data {

struct InputColumn {
  std::string name;
  std::string type;  // the engine's type; "" where values are text and nothing is said
};

// One file of a batch.
struct InputPlace {
  std::string path;   // absolute, on this machine
  std::string label;  // what it is called: "" = its path
  Reading reading;
  std::vector<InputColumn> columns;  // of an export from a database: names and types, in its order; else empty
};

class Inputs {
 public:
  // `folder` is there, is the caller's, and may be read by the engine's session; "" = no file needs a copy.
  explicit Inputs(std::string folder) : folder_(std::move(folder)) {}

  const std::string& folder() const { return folder_; }
  void tell(InputPlace place) { places_[place.path] = std::move(place); }
  const InputPlace* find(const std::string& path) const;  // nullptr: nothing was told
  std::string label(const std::string& path) const;
  bool is_label(const std::string& text) const;  // of a file that was told or watched

  // The path of a new file of this folder. `unsupported` without a folder.
  Result<std::string> copy_path(const std::string& label, const std::string& ending);

  // Keeps the state of a file as it is now; unchanged() says `conflict` with the name of one that has another by now.
  Result<void> watch(const std::string& path, const std::string& label);
  Result<void> unchanged() const;

 private:
  struct State {
    std::string label;
    int64_t size = 0, modified = 0, changed = 0;
    uint64_t inode = 0;
    bool operator==(const State&) const = default;
  };
  static Result<State> state_of(const std::string& path, const std::string& label);

  std::string folder_;
  size_t copies_ = 0;
  std::map<std::string, InputPlace> places_;
  std::map<std::string, State> states_;
};

}  // namespace millrace::data
