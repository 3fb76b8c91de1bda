#include "store/writer.h"

namespace millrace::store {

std::string own_name(const Database& database, const std::string& name) {
  const auto* shared = dynamic_cast<const SharedStore*>(&database);
  return shared == nullptr || shared->writer().empty() ? name : name + "@" + shared->writer();
}

std::string plain_name(std::string_view own) { return std::string(own.substr(0, own.find('@'))); }

bool is_own_name(const Database& database, std::string_view stored) {
  return stored == own_name(database, plain_name(stored));
}

}  // namespace millrace::store
