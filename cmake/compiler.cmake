# Flags of every target. They are global on purpose: the one precompiled header is only shared between targets whose
# flags and definitions are the same.

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release or Debug" FORCE)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")

# Asserts stay on in every build: they are for our own mistakes and must be cheap.
# -fPIE by hand: CMake would give libraries -fPIC and programs -fPIE, and the precompiled header fits only one of them.
add_compile_options(-Wall -Wextra -Wno-missing-field-initializers -fPIE -pthread -fno-omit-frame-pointer
                    "-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")
add_compile_definitions(
  FMT_SHARED BOOST_ERROR_CODE_HEADER_ONLY
  MILLRACE_VERSION="${PROJECT_VERSION}" MILLRACE_SOURCE_VERSION="${MILLRACE_SOURCE_VERSION}")
add_link_options(-pie -pthread)

if(MILLRACE_WARNINGS_ARE_ERRORS)
  add_compile_options(-Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12's optimizer is wrong too often in these (std::string joins, std::variant, std::optional) to be of use;
  # the build with clang in ./dev lint has its own.
  add_compile_options(-Wno-restrict -Wno-maybe-uninitialized -Wno-error=array-bounds -Wno-error=stringop-overflow
                      -Wno-error=stringop-overread -Wno-error=free-nonheap-object)
endif()

if(MILLRACE_SANITIZE)
  # What AddressSanitizer finds too, or what is instrumented at every dereference, is left out: a third of the compile.
  set(MILLRACE_NOT_SANITIZED null,alignment,vptr,object-size,pointer-overflow,nonnull-attribute,returns-nonnull-attribute)
  add_compile_options(-fsanitize=${MILLRACE_SANITIZE} -fno-sanitize=${MILLRACE_NOT_SANITIZED} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MILLRACE_SANITIZE})
  if(MILLRACE_SANITIZE MATCHES thread)
    add_compile_options(-Wno-tsan)  # fences in Boost.Asio, which ThreadSanitizer does not see
  endif()
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # Settings that let ccache keep objects built with a precompiled header, also between two clones.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} ${CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  else()
    add_compile_options(-Xclang -fno-pch-timestamp)
  endif()
endif()

# The one precompiled header, shared by every other target through REUSE_FROM.
file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/generated/precompiled.cc" CONTENT "// Holds the precompiled header.\n")
add_library(millrace_precompiled OBJECT "${CMAKE_BINARY_DIR}/generated/precompiled.cc")
target_include_directories(millrace_precompiled PRIVATE "${CMAKE_SOURCE_DIR}/src")
target_precompile_headers(millrace_precompiled PRIVATE
  <algorithm> <array> <atomic> <chrono> <cstdint> <cstring> <deque> <filesystem> <functional> <map> <memory> <mutex>
  <optional> <set> <span> <string> <string_view> <unordered_map> <unordered_set> <utility> <variant> <vector>
  <fmt/format.h> <nlohmann/json.hpp>)
