// Where the bytes of rows come from.
#pragma once
#include <memory>
#include <string>

#include "core/reader.h"

namespace millrace::data {

// An open descriptor: a file, or a pipe, whose bytes come when they come.
class DescriptorReader final : public Reader {
 public:
  DescriptorReader(int descriptor, std::string label) : descriptor_(descriptor), label_(std::move(label)) {}
  static Result<std::unique_ptr<DescriptorReader>> open(const std::string& path, const std::string& label);
  ~DescriptorReader() override;
  DescriptorReader(const DescriptorReader&) = delete;
  DescriptorReader& operator=(const DescriptorReader&) = delete;
  Result<size_t> read(char* to, size_t room) override;

 private:
  int descriptor_;
  std::string label_;
  bool owned_ = false;
};

// Lets bytes through that are UTF-8 without zero bytes. `invalid` names byte and line of what is not.
class CheckedText final : public Reader {
 public:
  CheckedText(Reader& bytes, std::string label) : bytes_(bytes), label_(std::move(label)) {}
  Result<size_t> read(char* to, size_t room) override;

 private:
  Result<void> check(std::string_view text) const;

  Reader& bytes_;
  std::string label_;
  std::string cut_;  // the begin of a character whose rest is to come
  int64_t before_ = 0;
  int line_ = 1;
};

}  // namespace millrace::data
