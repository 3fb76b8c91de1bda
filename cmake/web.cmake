# The web UI in the program: tools/web builds and packs it into build/web, once for all build trees; tools/embed makes an
# assembler's .incbin of it, which costs no time to compile. A tree without web/ gives a program without the UI.

function(millrace_web target)
  set(web "${CMAKE_SOURCE_DIR}/web")
  set(manifest "${CMAKE_SOURCE_DIR}/build/web/packed/manifest.json")
  set(source "${CMAKE_BINARY_DIR}/generated/api_ui_embedded.cc")
  set(bytes "${CMAKE_BINARY_DIR}/generated/api_ui_embedded.bin")
  file(GLOB_RECURSE inputs CONFIGURE_DEPENDS "${web}/src/*" "${web}/public/*" "${web}/tools/*")
  file(GLOB top CONFIGURE_DEPENDS "${web}/index.html" "${web}/package.json" "${web}/package-lock.json" "${web}/*.config.*"
       "${web}/tsconfig*.json")
  add_custom_command(
    OUTPUT "${manifest}"
    COMMAND "${Python3_EXECUTABLE}" "${CMAKE_SOURCE_DIR}/tools/web"
    DEPENDS "${CMAKE_SOURCE_DIR}/tools/web" ${inputs} ${top}
    COMMENT "building the web UI"
    VERBATIM)
  add_custom_command(
    OUTPUT "${source}" "${bytes}"
    COMMAND "${Python3_EXECUTABLE}" "${CMAKE_SOURCE_DIR}/tools/embed" web "${manifest}" "${source}"
    DEPENDS "${CMAKE_SOURCE_DIR}/tools/embed" "${manifest}"
    COMMENT "embedding the web UI"
    VERBATIM)
  set_source_files_properties("${source}" PROPERTIES OBJECT_DEPENDS "${bytes}")
  # A target of its own that waits for nothing: as a part of ${target} alone it would wait for all libraries before it,
  # and every object for it.
  add_custom_target(millrace_web DEPENDS "${source}" "${bytes}")
  add_dependencies(${target} millrace_web)
  target_sources(${target} PRIVATE "${source}")
endfunction()
