// The tests' program, which is also the program of the children that they start.
#include <gtest/gtest.h>

#include "serve/process/trial/child.h"
#include "serve/process/trial/child_main.h"

int main(int argc, char** argv) {
  if (argc > 1 && argv[1] == millrace::serve::process::kChildWord) return millrace::serve::process::run_child();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
