# Compiles several files of a target as one: most of a file's compile time goes to the headers that its neighbours read too.
# MILLRACE_UNITY=OFF compiles each alone, as the tree of ./dev lint does: there a missing include shows.

option(MILLRACE_UNITY "compile several files of a target as one" ON)

set_property(GLOBAL PROPERTY MILLRACE_UNITY_LIST "")

# These sources of `target` may share. What a target has besides is compiled alone.
function(millrace_unity target)
  if(NOT MILLRACE_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  foreach(file IN LISTS ARGN)
    set_property(GLOBAL APPEND_STRING PROPERTY MILLRACE_UNITY_LIST "${target}\t${file}\n")
  endforeach()
  # A private name that is added may change who can share.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ARGN})
endfunction()

# After all targets: says who shares with whom.
function(millrace_unity_groups)
  if(NOT MILLRACE_UNITY)
    return()
  endif()
  get_property(list GLOBAL PROPERTY MILLRACE_UNITY_LIST)
  set(file "${CMAKE_BINARY_DIR}/generated/unity.txt")
  file(WRITE "${file}" "${list}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS tools/unity-groups)
  execute_process(COMMAND "${Python3_EXECUTABLE}" "${CMAKE_SOURCE_DIR}/tools/unity-groups" "${file}"
                  OUTPUT_VARIABLE groups OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "\n" ";" groups "${groups}")
  foreach(line IN LISTS groups)
    string(REPLACE "\t" ";" pair "${line}")
    list(POP_FRONT pair group source)
    set_source_files_properties("${source}" PROPERTIES UNITY_GROUP ${group})
  endforeach()
endfunction()
