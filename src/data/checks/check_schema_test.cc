#include "data/checks/check_schema.h"

#include "data/checks/check_kind.h"
#include "data/testing.h"

namespace millrace::data {
namespace {

TEST(CheckSchema, the_published_one_is_made_from_the_descriptors) {
  const auto file = read_file(testing::source_root() + "/docs/implementation.schema.json", 1 << 20);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(*file, to_pretty(implementation_schema()) + "\n")
      << "docs/implementation.schema.json is out of date; run: millrace contract schema > "
         "docs/implementation.schema.json";
}

TEST(CheckSchema, names_every_kind_that_a_rule_may_have) {
  const auto schema = implementation_schema();
  const auto& names = schema["properties"]["metric"]["enum"];
  for (const auto& kind : check_kinds())
    EXPECT_EQ(kind.custom, std::find(names.begin(), names.end(), kind.name) != names.end()) << kind.name;
  EXPECT_EQ(check_list().size(), check_kinds().size());
}

}  // namespace
}  // namespace millrace::data
