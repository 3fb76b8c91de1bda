# One static library, one test program and one benchmark program a folder of src/.

# Folders that read or write columns; they and all after them see Arrow.
set(MILLRACE_ARROW_FROM engine)
# Folders that use no folder but those before `engine`: pure mathematics.
set(MILLRACE_WITHOUT_ARROW stats)

set_property(GLOBAL PROPERTY MILLRACE_LIBRARIES "")        # of the folders so far, latest first
set_property(GLOBAL PROPERTY MILLRACE_PLAIN_LIBRARIES "")  # those of them before `engine`
add_custom_target(unit_tests)
add_custom_target(benchmarks)

# Fails the build when a file includes a later folder.
function(millrace_layers_check)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/*.h" "${CMAKE_SOURCE_DIR}/src/*.cc"
       "${CMAKE_SOURCE_DIR}/src/*.inc")
  set(stamp "${CMAKE_BINARY_DIR}/generated/layers.stamp")
  add_custom_command(
    OUTPUT "${stamp}"
    COMMAND "${Python3_EXECUTABLE}" "${CMAKE_SOURCE_DIR}/tools/layers" "${CMAKE_SOURCE_DIR}"
    COMMAND "${CMAKE_COMMAND}" -E touch "${stamp}"
    DEPENDS "${CMAKE_SOURCE_DIR}/tools/layers" "${CMAKE_SOURCE_DIR}/cmake/folders.txt" ${sources}
    COMMENT "checking the order of folders"
    VERBATIM)
  add_custom_target(layers DEPENDS "${stamp}")
endfunction()

function(millrace_common target)
  add_dependencies(${target} layers)
  target_precompile_headers(${target} REUSE_FROM millrace_precompiled)
  target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}/src")
endfunction()

# Links a program: our libraries, Debian's, and Arrow last where the folder sees it.
function(millrace_link target folder)
  get_property(libraries GLOBAL PROPERTY MILLRACE_LIBRARIES)
  get_property(plain GLOBAL PROPERTY MILLRACE_PLAIN_LIBRARIES)
  millrace_common(${target})
  set_target_properties(${target} PROPERTIES BUILD_RPATH "${MILLRACE_DEPS}/lib")
  if(folder IN_LIST MILLRACE_WITHOUT_ARROW)
    target_link_libraries(${target} PRIVATE ${ARGN} millrace_${folder} ${plain} ${MILLRACE_EXTERNAL})
  elseif(NOT "${libraries}" STREQUAL "${plain}")
    target_include_directories(${target} SYSTEM PRIVATE "${MILLRACE_ARROW_INCLUDE}")
    target_link_libraries(${target} PRIVATE ${ARGN} ${libraries} ${MILLRACE_EXTERNAL} ${MILLRACE_ARROW})
  else()
    target_link_libraries(${target} PRIVATE ${ARGN} ${libraries} ${MILLRACE_EXTERNAL})
  endif()
endfunction()

function(millrace_folder folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${folder}/*.cc")
  set(tests ${sources})
  set(benches ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_test|_bench)\\.cc$|/src/main/main\\.cc$|/src/api/grpc/module/")
  if(NOT sources)
    return()
  endif()

  set(library millrace_${folder})
  add_library(${library} STATIC ${sources})
  millrace_unity(${library} ${sources})
  millrace_common(${library})
  millrace_embed_folder(${library} ${folder})
  get_property(before GLOBAL PROPERTY MILLRACE_LIBRARIES)
  get_property(plain GLOBAL PROPERTY MILLRACE_PLAIN_LIBRARIES)
  if(folder IN_LIST MILLRACE_WITHOUT_ARROW)
    target_link_libraries(${library} PUBLIC ${plain})
  else()
    target_link_libraries(${library} PUBLIC ${before})
  endif()
  if(folder STREQUAL MILLRACE_ARROW_FROM OR NOT "${before}" STREQUAL "${plain}")
    target_include_directories(${library} SYSTEM PRIVATE "${MILLRACE_ARROW_INCLUDE}")
  else()
    set_property(GLOBAL PROPERTY MILLRACE_PLAIN_LIBRARIES ${library} ${plain})
  endif()
  set_property(GLOBAL PROPERTY MILLRACE_LIBRARIES ${library} ${before})

  if(tests)
    add_executable(test_${folder} ${tests})
    millrace_unity(test_${folder} ${tests})
    millrace_link(test_${folder} ${folder} GTest::gtest_main)
    set_target_properties(test_${folder} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
    add_dependencies(unit_tests test_${folder})
  endif()
  if(benches)
    add_executable(bench_${folder} ${benches})
    millrace_link(bench_${folder} ${folder} benchmark::benchmark_main)
    set_target_properties(bench_${folder} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/benches")
    add_dependencies(benchmarks bench_${folder})
  endif()
endfunction()

# The program `millrace`. Only the release tree leaves it at build/millrace, where it finds build/deps/lib beside itself.
function(millrace_program)
  if(NOT EXISTS "${CMAKE_SOURCE_DIR}/src/main/main.cc")
    message(STATUS "src/main/main.cc does not exist yet: no millrace program")
    return()
  endif()
  add_executable(millrace src/main/main.cc)
  millrace_link(millrace main)
  if(CMAKE_BINARY_DIR STREQUAL "${CMAKE_SOURCE_DIR}/build/release")
    set_target_properties(millrace PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY "${CMAKE_SOURCE_DIR}/build"
      BUILD_WITH_INSTALL_RPATH ON
      INSTALL_RPATH "\$ORIGIN/deps/lib;\$ORIGIN")
  endif()
  millrace_grpc(millrace)
endfunction()
