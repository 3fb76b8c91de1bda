# Text files compiled into the libraries: the migrations of src/store/migrations and every src/**/embed/*.

# Adds a generated source to `target` and repeats it when one of `files` or tools/embed changes.
function(millrace_embed target kind output)
  set(generated "${CMAKE_BINARY_DIR}/generated/${output}")
  set(tool "${CMAKE_SOURCE_DIR}/tools/embed")
  add_custom_command(
    OUTPUT "${generated}"
    COMMAND "${Python3_EXECUTABLE}" "${tool}" ${kind} "${CMAKE_SOURCE_DIR}/src" "${generated}" ${ARGN}
    DEPENDS "${tool}" ${ARGN}
    COMMENT "embedding ${kind}"
    VERBATIM)
  target_sources(${target} PRIVATE "${generated}")
endfunction()

function(millrace_embed_folder target folder)
  if(folder STREQUAL "store" AND EXISTS "${CMAKE_SOURCE_DIR}/src/store/migrations.h")
    file(GLOB files CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/store/migrations/*.sql")
    millrace_embed(${target} migrations store_migrations.cc ${files})
  elseif(folder STREQUAL "core" AND EXISTS "${CMAKE_SOURCE_DIR}/src/core/embedded.h")
    file(GLOB_RECURSE files CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/*")
    list(FILTER files INCLUDE REGEX "/src/.*/embed/[^/]+$")
    millrace_embed(${target} files core_embedded.cc ${files})
  elseif(folder STREQUAL "api")
    millrace_web(${target})
  endif()
endfunction()
