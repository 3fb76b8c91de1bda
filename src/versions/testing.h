// For the tests of this folder: a workspace in a folder of its own, with the machine's clock (stamps are compared with
// it).
#pragma once
#include <gtest/gtest.h>

#include <string>

#include "core/files.h"
#include "core/testing.h"
#include "versions/operations.h"

namespace millrace::versions::testing {

struct Trial {
  millrace::testing::Folder folder;
  Context context{system_clock(), system_random(), silent_log()};
  Workspace workspace = open();

  Workspace open() {
    auto opened = Workspace::open({.root = folder.path(), .versions = folder / ".millrace/versions"}, context);
    if (!opened) ADD_FAILURE() << opened.error().text();
    return std::move(*opened);
  }
  std::string path(const std::string& name) const { return folder / name; }
  void write(const std::string& name, const std::string& bytes) {
    ASSERT_TRUE(make_folders(parent_of(path(name))).ok());
    ASSERT_TRUE(write_file(path(name), bytes, 0644).ok());
  }
  std::string read(const std::string& name) const {
    const auto bytes = read_file(path(name), 64 << 20);
    return bytes ? *bytes : "";
  }
  Added add(const std::string& name) {
    auto added = versions::add(workspace, {name}, {.author = "local:tester", .message = "", .code = {}});
    EXPECT_TRUE(added.ok()) << (added ? "" : added.error().text());
    return added ? *added : Added{};
  }
  std::string state(const std::string& name) {
    const auto found = status_of(workspace, name, 10);
    return found ? found->state : found.error().text();
  }
};

}  // namespace millrace::versions::testing
