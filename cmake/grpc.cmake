# libmillrace_grpc.so: src/api/grpc/module with nghttp2 and protocol buffers, loaded by the program when it serves gRPC. What it
# uses of ours stays in the program, which shows it the symbols of serve/, api/ and core/.

find_program(MILLRACE_PROTOC protoc)
if(NOT MILLRACE_PROTOC)
  message(FATAL_ERROR "protoc is missing (protobuf-compiler); run ./dev deps")
endif()
set(MILLRACE_GRPC)
millrace_find(MILLRACE_GRPC libnghttp2-dev nghttp2)
millrace_find(MILLRACE_GRPC libprotobuf-dev protobuf-lite)

set(MILLRACE_GRPC_FOLDER "${CMAKE_SOURCE_DIR}/src/api/grpc/module")
set(MILLRACE_GRPC_GENERATED "${CMAKE_BINARY_DIR}/generated/grpc")

# Generated code: no warnings, no precompiled header.
function(millrace_grpc_messages)
  set(proto "${MILLRACE_GRPC_FOLDER}/inference.proto")
  set(generated "${MILLRACE_GRPC_GENERATED}/inference.pb.cc" "${MILLRACE_GRPC_GENERATED}/inference.pb.h")
  file(MAKE_DIRECTORY "${MILLRACE_GRPC_GENERATED}")
  add_custom_command(
    OUTPUT ${generated}
    COMMAND "${MILLRACE_PROTOC}" "--proto_path=${MILLRACE_GRPC_FOLDER}" "--cpp_out=${MILLRACE_GRPC_GENERATED}" "${proto}"
    DEPENDS "${proto}"
    COMMENT "generating inference.pb.cc"
    VERBATIM)
  add_library(millrace_grpc_messages OBJECT ${generated})
  target_compile_options(millrace_grpc_messages PRIVATE -w -fPIC)
endfunction()

function(millrace_grpc program)
  millrace_grpc_messages()
  file(GLOB sources CONFIGURE_DEPENDS "${MILLRACE_GRPC_FOLDER}/*.cc")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  add_library(millrace_grpc MODULE ${sources} $<TARGET_OBJECTS:millrace_grpc_messages>)
  add_dependencies(millrace_grpc layers)
  target_compile_options(millrace_grpc PRIVATE -fPIC)
  target_include_directories(millrace_grpc PRIVATE "${CMAKE_SOURCE_DIR}/src")
  target_include_directories(millrace_grpc SYSTEM PRIVATE "${MILLRACE_GRPC_GENERATED}" "${MILLRACE_ARROW_INCLUDE}")
  target_link_options(millrace_grpc PRIVATE -no-pie)
  target_link_libraries(millrace_grpc PRIVATE ${MILLRACE_GRPC} "${MILLRACE_LIB_fmt}")

  # All but the entry is tested with the rest of api/.
  list(FILTER sources EXCLUDE REGEX "/server\\.cc$")
  target_sources(test_api PRIVATE ${sources} $<TARGET_OBJECTS:millrace_grpc_messages>)
  target_include_directories(test_api SYSTEM PRIVATE "${MILLRACE_GRPC_GENERATED}")
  target_link_libraries(test_api PRIVATE ${MILLRACE_GRPC})

  get_target_property(folder ${program} RUNTIME_OUTPUT_DIRECTORY)
  if(NOT folder)
    set(folder "${CMAKE_BINARY_DIR}")
  endif()
  set_target_properties(millrace_grpc PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${folder}")

  add_dependencies(${program} millrace_grpc)
  set_property(TARGET ${program} APPEND PROPERTY BUILD_RPATH "\$ORIGIN")
  target_link_options(${program} PRIVATE "-Wl,--dynamic-list=${CMAKE_SOURCE_DIR}/cmake/grpc_symbols.txt")
  set_property(TARGET ${program} APPEND PROPERTY LINK_DEPENDS "${CMAKE_SOURCE_DIR}/cmake/grpc_symbols.txt")
endfunction()
